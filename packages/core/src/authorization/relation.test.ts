import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authorizerRelation } from './authorizer-relation.ts';
import { relation } from './relation.ts';

const list = () => [];
const acme = { tenant: 'acme' };

describe('checkMany', () => {
  test('is asked once for each subject and tenant of one turn, and for each object once', async () => {
    const asked: unknown[] = [];
    const reads = relation('reads', {
      list,
      checkMany: async (subject: string, objects: readonly number[], { tenant }) => {
        asked.push([subject, objects, tenant]);
        return objects.filter((each) => each % 2 === 0);
      },
    });
    const answers = await Promise.all([
      reads.check('ann', 1, acme),
      reads.check('ann', 2, acme),
      reads.check('ann', 2, acme),
      reads.check('bob', 2, acme),
      reads.check('ann', 2, { tenant: 'globex' }),
      reads.check('ann', 4, {}),
    ]);
    expect(answers).toEqual([false, true, true, true, true, true]);
    expect(asked).toEqual([
      ['ann', [1, 2], 'acme'],
      ['bob', [2], 'acme'],
      ['ann', [2], 'globex'],
      ['ann', [4], undefined],
    ]);
  });

  test('leaves one object alone to check', async () => {
    const asked: unknown[] = [];
    const reads = relation('reads', {
      list,
      check: (_subject: string, object: string) => asked.push(object) > 0,
      checkMany: (_subject, objects) => (asked.push(objects), objects),
    });
    expect(await reads.check('ann', '1', {})).toBe(true);
    await Promise.all([reads.check('ann', '1', {}), reads.check('ann', '2', {})]);
    expect(asked).toEqual(['1', ['1', '2']]);
  });

  test('goes out in parts of a thousand', async () => {
    const sizes: number[] = [];
    const reads = relation('reads', {
      list,
      checkMany: (_subject: string, objects: readonly number[]) => (
        sizes.push(objects.length), objects
      ),
    });
    await Promise.all(Array.from({ length: 2_500 }, async (_, at) => reads.check('ann', at, {})));
    expect(sizes).toEqual([1_000, 1_000, 500]);
  });

  test.each<[string, (objects: readonly string[]) => unknown]>([
    ['objects that nobody asked about', () => ['3', '1 ', 'ONE']],
    ['objects of another type', () => [1, 2]],
    ['nothing of it', () => []],
  ])('admits nobody by %s', async (_name, answer) => {
    const reads = relation('reads', {
      list,
      checkMany: (_subject: string, objects: readonly string[]) => answer(objects) as string[],
    });
    expect(await Promise.all([reads.check('ann', '1', {}), reads.check('ann', '2', {})])).toEqual([
      false,
      false,
    ]);
  });

  test.each<[string, () => unknown]>([
    ['answers no list', () => ({ length: 2 })],
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['hangs', () => new Promise(() => {})],
  ])('that %s rejects each of them', async (_name, answer) => {
    const reads = relation('reads', {
      list,
      timeout: '20ms',
      checkMany: (_subject: string, _objects: readonly string[]) => answer() as string[],
    });
    const both = await Promise.allSettled([
      reads.check('ann', '1', {}),
      reads.check('ann', '2', {}),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test.each<[string, object]>([
    ['neither check nor checkMany', { list }],
    ['a checkMany that is not a function', { list, check: () => true, checkMany: true }],
    ['no list', { checkMany: () => [] }],
  ])('a relation with %s cannot be constructed', (_name, options) => {
    expect(() => relation('reads', options as never)).toThrow(ConfigurationError);
  });
});

describe('a relation of an authorizer', () => {
  const about = { subject: 'user', action: 'read', resource: 'document' };
  const evaluate = () => ({ decision: true });

  test('asks about many objects in one question, where the authorizer can', async () => {
    const batches: number[] = [];
    const reads = relation(
      'reads',
      authorizerRelation(
        {
          evaluate,
          evaluateAll: (questions) => {
            batches.push(questions.length);
            return questions.map(({ resource: { id } }) => ({ decision: id === '1' }));
          },
        },
        about,
      ),
    );
    const answers = await Promise.all(
      ['1', '2', '3'].map(async (id) => reads.check('ann', id, acme)),
    );
    expect(answers).toEqual([true, false, false]);
    expect(batches).toEqual([3]);
  });

  test.each<[string, readonly unknown[]]>([
    ['an answer too few', [{ decision: true }]],
    ['a text for true', [{ decision: 'true' }, { decision: true }]],
  ])('rejects %s', async (_name, answers) => {
    const reads = relation(
      'reads',
      authorizerRelation({ evaluate, evaluateAll: () => answers as never }, about),
    );
    const both = await Promise.allSettled(['1', '2'].map(async (id) => reads.check('ann', id, {})));
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
