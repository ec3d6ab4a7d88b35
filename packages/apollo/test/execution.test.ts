import {
  allowAnonymous,
  type Completion,
  type GraphqlFacts,
  guard,
  rateLimit,
  tokenBucket,
} from '@apisec/core';
import { limitOperation, operationCost, operationCostSpent, signalOf } from '@apisec/graphql';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { oblige } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const heard: Completion[] = [];
const open = guard()
  .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
  .use(allowAnonymous());

const sdl = `
  type User { id: Int name: String friends(first: Int): [User!] text(size: Int): String dear: User }
  type Query { me: User users(first: Int): [User!] endless: [Int] grid: [[Int!]!] hang: String after: String dear: User none(first: Int): [User!] grown: [User!] words: [String] }
`;
let ran = 0;
let signal: AbortSignal | undefined;
const made = () => {
  ran = 0;
  const users = (_: unknown, { first = 1 }: { first?: number }) => {
    ran++;
    return Array.from({ length: first }, (__, id) => ({ id }));
  };
  return schemaOf(sdl, {
    'Query.me': () => ({ id: 0 }),
    'Query.users': users,
    'Query.dear': () => ({ id: 1 }),
    'Query.none': () => [],
    'Query.grown': () => Array.from({ length: 60 }, (__, id) => ({ id })),
    'Query.words': () => Array.from({ length: 30 }, String),
    'User.dear': () => ({ id: 1 }),
    'Query.endless': () => ({
      *[Symbol.iterator]() {
        for (;;) yield 1;
      },
    }),
    'Query.grid': () => [[1, 2], [3], [4, 5, 6]],
    'Query.hang': (_: unknown, __: unknown, context: object) => {
      signal = signalOf(context);
      return new Promise(() => undefined);
    },
    'Query.after': async (_: unknown, __: unknown, context: object) =>
      String(signalOf(context).aborted),
    'User.name': () => {
      ran++;
      return 'ann';
    },
    'User.friends': users,
    'User.text': (_: unknown, { size = 1 }: { size?: number }) => 'ü'.repeat(size),
  });
};

afterEach(() => {
  vi.useRealTimers();
  heard.length = 0;
});

describe.each(servers)('the limits of an operation, on %s', (_, serve) => {
  test('hold for documents of any length', async () => {
    const charged: number[] = [];
    const cost = (facts: GraphqlFacts) => {
      const value = operationCost(facts);
      charged.push(value);
      return value;
    };
    const admission = guard<GraphqlFacts>()
      .use(limitOperation({ aliases: 2 }))
      .use(
        rateLimit({
          limit: tokenBucket({ capacity: 1_000, refillPerSecond: 1 }),
          by: () => 'all',
          cost: (_request, facts: GraphqlFacts) => cost(facts),
        }),
      )
      .use(allowAnonymous());
    const { call } = await serve({ admission }, made());
    for (const pad of ['', '#'.repeat(2_000)]) {
      charged.length = 0;
      const denied = await call(undefined, `{ a: me { id } b: me { id } c: me { id } } ${pad}`);
      expect(reasonOf(denied)).toBe('operation.over_limit');
      const { body } = await call(undefined, `{ users(first: 20) { id } } ${pad}`);
      expect([body.data.users.length, charged.at(-1)]).toEqual([20, 20]);
    }
  });
});

describe.each(servers)('bounds of a running operation, on %s', (_, serve) => {
  test.each([
    [
      'calls of resolvers',
      { resolverCalls: 5 },
      '{ me { a: name b: name c: name d: name e: name } }',
      '{ me { a: name b: name c: name } }',
      'operation.over_budget',
    ],
    [
      'aliases of one relation',
      { resolverCalls: 50 },
      `{ me { ${Array.from({ length: 60 }, (__, at) => `a${at}: friends(first: 1) { id }`).join(' ')} } }`,
      '{ me { friends { id } } }',
      'operation.over_budget',
    ],
    [
      'a list',
      { listItems: 20 },
      '{ users(first: 21) { id } }',
      '{ users(first: 20) { id } }',
      'operation.over_budget',
    ],
    ['an endless list', { listItems: 20 }, '{ endless }', '{ me { id } }', 'operation.over_budget'],
    [
      'a list in a list',
      { nodes: 8 },
      '{ grid }',
      '{ users(first: 7) { id } }',
      'operation.over_budget',
    ],
    [
      'all objects',
      { nodes: 30 },
      '{ users(first: 5) { friends(first: 9) { id } } }',
      '{ users(first: 5) { friends(first: 5) { id } } }',
      'operation.over_budget',
    ],
    [
      'the answer',
      { responseBytes: 200 },
      '{ me { text(size: 100) } }',
      '{ me { text(size: 80) } }',
      'response.too_large',
    ],
    [
      'the answer of many',
      { responseBytes: 2_000 },
      '{ users(first: 300) { id } }',
      '{ users(first: 100) { id } }',
      'response.too_large',
    ],
  ])('is bounded: %s', async (__, execution, tooMuch, enough, reason) => {
    const { call } = await serve({ admission: open, execution }, made());
    const answer = await call(undefined, tooMuch);
    expect([answer.status ?? 400, reasonOf(answer), answer.body.data ?? null]).toEqual([
      400,
      reason,
      null,
    ]);
    expect(answer.body.errors).toHaveLength(1);
    await vi.waitFor(() => expect(heard.at(-1)?.denial?.code).toBe(reason), 20_000);
    const honest = await call(undefined, enough);
    expect(honest.body.errors).toBeUndefined();
  });

  test('runs no further resolver once it is used up', async () => {
    const { call } = await serve({ admission: open, execution: { resolverCalls: 10 } }, made());
    await call(undefined, '{ users(first: 1000) { name } }');
    expect(ran).toBe(10);
  });

  test('ends at its deadline whatever a resolver does, and tells the resolver', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { call } = await serve({ admission: open, execution: { deadline: '2s' } }, made());
    const pending = call(undefined, '{ hang me { name } }');
    await vi.waitFor(() => expect(signal).toBeDefined(), 20_000);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    const answer = await pending;
    expect([answer.status ?? 408, reasonOf(answer), signal?.aborted]).toEqual([
      408,
      'operation.timed_out',
      true,
    ]);
    signal = undefined;
    expect((await call(undefined, '{ after }')).body).toEqual({ data: { after: 'false' } });
  });

  test('cannot be constructed with bounds that mean nothing', async () => {
    for (const execution of [{ nodes: 0 }, { deadline: 5 }, { node: 5 }, { listItems: 1.5 }]) {
      const started = Promise.resolve().then(() =>
        serve({ admission: open, execution: execution as never }, made()),
      );
      // One after the other.
      // oxlint-disable-next-line no-await-in-loop
      await expect(started).rejects.toMatchObject({ name: 'ConfigurationError' });
    }
  });

  test('is reserved by what it may cost, and charged by what it did', async () => {
    const admission = guard<GraphqlFacts>()
      .use(limitOperation({ cost: 200 }))
      .use(
        rateLimit({
          limit: tokenBucket({ capacity: 200, refillPerSecond: 0.001 }),
          by: () => 'all',
          cost: (__, facts) => operationCost(facts),
          reconcile: operationCostSpent,
        }),
      )
      .use(allowAnonymous());
    const { call } = await serve({ admission, execution: { nodes: 1_000 } }, made());
    // Each may bring 150 objects, and brings fifteen.
    for (let at = 0; at < 3; at++) {
      const { body } = await call(undefined, '{ users { friends(first: 14) { id } } }');
      expect(body.errors).toBeUndefined();
    }
    expect(reasonOf(await call(undefined, '{ users(first: 150) { id } }'))).toBeUndefined();
  });

  test('owes what came above its reservation, and is denied until that is paid back', async () => {
    let now = 1_700_000_000_000;
    const admission = guard<GraphqlFacts>()
      .use(
        rateLimit({
          limit: tokenBucket({ capacity: 40, refillPerSecond: 1 }),
          by: () => 'all',
          cost: (__, facts) => operationCost(facts),
          reconcile: operationCostSpent,
          now: () => now,
        }),
      )
      .use(allowAnonymous());
    const { call } = await serve({ admission, execution: { nodes: 1_000 } }, made());
    const cheap = async () => reasonOf(await call(undefined, '{ me { id } }'));
    // Each has reserved ten, and brings sixty. All have begun before one of them ends.
    const answers = await Promise.all(
      [1, 2, 3].map(async () => call(undefined, '{ grown { id } }')),
    );
    expect(answers.map(reasonOf)).toEqual([undefined, undefined, undefined]);
    await vi.waitFor(async () => expect(await cheap()).toBe('limit.exceeded'), 20_000);
    now += 40_000;
    expect(await cheap(), 'the whole limit has flowed back, and pays the debt').toBe(
      'limit.exceeded',
    );
    now += 2_000;
    expect(await cheap(), 'no more than one capacity is owed').toBeUndefined();
  });

  test.each<[string, string, number]>([
    ['lists that bring little', '{ users { friends(first: 14) { id } } }', 15],
    ['a dear field', '{ dear { id } }', 40],
    ['a dear field beside a list that is empty', '{ dear { id } none(first: 100) { id } }', 40],
    ['dear objects of a list, of which one came', '{ users { dear { id } } }', 41],
    ['a value, which is in no list', '{ after }', 1],
    ['a list that brought more than was reserved', '{ grown { id } }', 60],
    ['objects below such a list', '{ grown { dear { id } } }', 60 + 60 * 40],
    [
      'a cheap list that grew beside a dear one that did not',
      '{ grown { id } users { dear { id } } }',
      101,
    ],
    ['a dear list of values that grew', '{ words }', 90],
    [
      'what fragments select of it',
      '{ ...F } fragment F on Query { grown { ...U } } fragment U on User { dear { id } }',
      2_460,
    ],
  ])('charges %s by what came of it', async (_, query, expected) => {
    let charged: number | undefined;
    const rules = { fields: { 'Query.dear': 40, 'User.dear': 40, 'Query.words': 3 } };
    const admission = guard<GraphqlFacts>()
      .use(
        rateLimit({
          limit: tokenBucket({ capacity: 10_000, refillPerSecond: 0.001 }),
          by: () => 'all',
          cost: (__, facts) => operationCost(facts, rules),
          reconcile: (completion, reserved) => {
            charged = operationCostSpent(completion, reserved);
            return charged;
          },
        }),
      )
      .use(allowAnonymous());
    const { call } = await serve({ admission, execution: { nodes: 1_000 } }, made());
    expect((await call(undefined, query)).body.errors).toBeUndefined();
    await vi.waitFor(() => expect(charged).toBeDefined(), 20_000);
    expect(charged).toBe(expected);
  });
});
