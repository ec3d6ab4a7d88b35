import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type RequireStepOptions, requireStep } from './require-step.ts';
import { type StepTokensOptions, stepTokens } from './step-tokens.ts';

const START = 1_700_000_000_000;
const secret = secretOf(1);
const other = secretOf(2);
type Step = 'cart' | 'address' | 'payment';
interface Who {
  readonly who: string;
}

function checkout(over: Partial<StepTokensOptions<Step>> = {}) {
  const clock = { time: START };
  const tokens = stepTokens<Step>({
    flow: 'checkout',
    steps: ['cart', 'address', 'payment'],
    secrets: [secret],
    now: () => clock.time,
    ...over,
  });
  const policyOf = (options: Partial<RequireStepOptions<Who, Step>> = {}) =>
    requireStep<Who, Step>({
      tokens,
      after: 'address',
      by: (facts) => facts.who,
      now: () => clock.time,
      ...options,
    });
  return { clock, tokens, policyOf, ...asking(policyOf()) };
}

function asking(policy: ReturnType<typeof requireStep<Who, Step>>) {
  const ask = async (token?: string, who = 'alice'): Promise<string> => {
    const headers = token === undefined ? new Headers() : new Headers({ 'x-step-token': token });
    const request = new Request('https://api.example.com/payment', { method: 'POST', headers });
    const outcome = await policy.check(request, { who });
    return outcome.ok ? 'passed' : outcome.denial.code;
  };
  return { ask };
}

describe('a step', () => {
  // Covers: V2.3.1
  test('follows the one before, once', async () => {
    const { tokens, ask } = checkout();
    const token = await tokens.issue('address', 'alice');
    expect(await ask(token)).toBe('passed');
    expect(await ask(token)).toBe('step.replayed');
    expect(await ask(await tokens.issue('address', 'alice'))).toBe('passed');
  });

  test('that is taken once is not followed by many root fields of one GraphQL operation', async () => {
    const { tokens, policyOf } = checkout();
    const token = await tokens.issue('address', 'alice');
    const request = new Request('https://api.example.com/graphql', {
      method: 'POST',
      headers: { 'x-step-token': token },
    });
    const field = { coordinate: 'Mutation.pay', args: () => ({}) };
    const ask = async (...fields: object[]) =>
      policyOf().check(request, {
        who: 'alice',
        call: { protocol: 'graphql', operation: 'mutation', fields },
      } as Who);
    expect(await ask(field, field)).toMatchObject({
      ok: false,
      denial: { kind: 'malformed', code: 'step.repeated' },
    });
    expect(await ask(field)).toMatchObject({ ok: true });
  });

  // Covers: API6:2023, V2.3.1
  test('exactly one of many equal calls at once passes', async () => {
    const { tokens, ask } = checkout();
    const token = await tokens.issue('address', 'alice');
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(token)));
    expect(answers.filter((answer) => answer === 'passed')).toHaveLength(1);
  });

  test.each([
    ['without a token', () => undefined, 'step.missing'],
    ['with an empty token', () => '', 'step.missing'],
    [
      'with a token of an earlier step',
      () => checkout().tokens.issue('cart', 'alice'),
      'step.denied',
    ],
    ['with a token of its own', () => checkout().tokens.issue('payment', 'alice'), 'step.denied'],
    [
      'with a token of somebody else',
      () => checkout().tokens.issue('address', 'bob'),
      'step.denied',
    ],
    [
      'with a token of another flow',
      () => checkout({ flow: 'refund' }).tokens.issue('address', 'alice'),
      'step.denied',
    ],
    [
      'with a token of another secret',
      () => checkout({ secrets: [other] }).tokens.issue('address', 'alice'),
      'step.denied',
    ],
    ['with nonsense', () => 'a.b.c.d', 'step.denied'],
    ['with a lot of nonsense', () => `1.${'9'.repeat(8_000)}`, 'step.denied'],
  ])('%s is denied', async (_, tokenOf, code) => {
    expect(await checkout().ask(await tokenOf())).toBe(code);
  });

  test('is denied to nobody in particular', async () => {
    const { tokens, ask } = checkout();
    expect(await ask(await tokens.issue('address', 'alice'), '')).toBe('step.denied');
    await expect(tokens.issue('address', '')).rejects.toThrow(RangeError);
    await expect(tokens.issue('nowhere' as never, 'alice')).rejects.toThrow(RangeError);
  });

  test('must follow in time', async () => {
    const { tokens, ask, clock } = checkout();
    const [early, late] = [
      await tokens.issue('address', 'alice'),
      await tokens.issue('address', 'alice'),
    ];
    clock.time += 899_999;
    expect(await ask(early)).toBe('passed');
    clock.time += 1;
    expect(await ask(late)).toBe('step.expired');
    expect(await ask(early)).toBe('step.expired');
  });

  test('that has expired while its token was verified is not followed', async () => {
    const { tokens, policyOf, clock } = checkout();
    const slow: typeof tokens = {
      ...tokens,
      verify: async (...given) => {
        const ticket = await tokens.verify(...given);
        clock.time += 900_000;
        return ticket;
      },
    };
    const { ask } = asking(policyOf({ tokens: slow }));
    expect(await ask(await tokens.issue('address', 'alice'))).toBe('step.expired');
  });

  test('is remembered while a slow store may still be asked about it', async () => {
    const ttls: number[] = [];
    const replay = { putIfAbsent: (_key: string, ttl: number) => ttls.push(ttl) > 0 };
    const { tokens, policyOf } = checkout();
    const { ask } = asking(policyOf({ replay, timeout: '500ms' }));
    expect(await ask(await tokens.issue('address', 'alice'))).toBe('passed');
    expect(ttls[0]).toBeGreaterThanOrEqual(900_500);
  });

  test('no character of a token can be changed, and a used one has no other spelling', async () => {
    const { tokens, ask } = checkout();
    const token = await tokens.issue('address', 'alice');
    for (let at = 0; at < token.length; at++) {
      for (const char of ['A', 'B', '0', '9', '.', '=', ' ']) {
        if (token[at] === char) continue;
        const changed = `${token.slice(0, at)}${char}${token.slice(at + 1)}`;
        expect(await ask(changed), changed).not.toBe('passed');
      }
    }
    expect(await ask(token)).toBe('passed');
    expect(await ask(`0${token}`)).toBe('step.replayed');
  });

  test('secrets change one after the other', async () => {
    const before = checkout().tokens;
    const { ask, tokens } = checkout({ secrets: [other, secret] });
    expect(await ask(await before.issue('address', 'alice'))).toBe('passed');
    const token = await tokens.issue('address', 'alice');
    expect(await checkout().ask(token)).toBe('step.denied');
  });

  test('the principal is not in the token', async () => {
    const token = await checkout().tokens.issue('address', 'alice');
    expect(token).toMatch(/^1\.\d{13}\.[\w-]{22}\.[\w-]{43}$/);
  });
});

test.each<[string, RequireStepOptions<Who>['replay']]>([
  [
    'throws',
    {
      putIfAbsent: () => {
        throw new Error('x');
      },
    },
  ],
  ['rejects', { putIfAbsent: () => Promise.reject(new Error('x')) }],
  ['never answers', { putIfAbsent: () => new Promise(() => undefined) }],
  ['answers nonsense', { putIfAbsent: () => 'OK' as never }],
])('a replay store that %s denies', async (_, replay) => {
  const { tokens, policyOf } = checkout();
  const { ask } = asking(policyOf({ replay, timeout: '10ms' }));
  expect(await ask(await tokens.issue('address', 'alice'))).toBe('step.unavailable');
});

test.each<[string, Partial<StepTokensOptions<Step>>, Partial<RequireStepOptions<Who, Step>>]>([
  ['a short secret', { secrets: [new Uint8Array(31)] }, {}],
  ['no secret', { secrets: [] }, {}],
  ['a flow without a name', { flow: '' }, {}],
  ['one step', { steps: ['address'] }, {}],
  ['a step that is there twice', { steps: ['cart', 'address', 'cart'] }, {}],
  ['no lifetime', { lifetime: '0s' }, {}],
  ['a lifetime without its unit', { lifetime: 900 as never }, {}],
  ['a misspelled lifetime', { lifeTime: '15m' } as never, {}],
  ['an option that it does not know', {}, { step: 'cart' } as never],
  ['a step that nothing follows', {}, { after: 'payment' }],
  ['a step of another flow', {}, { after: 'nowhere' as never }],
  ['nobody', {}, { by: undefined as never }],
  ['no time', {}, { timeout: '0ms' }],
])('%s cannot be constructed', (_, tokens, options) => {
  expect(() => checkout(tokens).policyOf(options)).toThrow(ConfigurationError);
});
