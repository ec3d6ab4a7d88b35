import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Limit, LimitRequest, SyncLimitStore } from '../contracts/limit-store.ts';
import { limitStoreContract } from '../testing/limit-store-contract.ts';
import { fixedWindow } from './fixed-window.ts';
import { charge, giveBack, type LimitState, levelOf } from './limit-law.ts';
import { memoryLimitStore } from './memory-limit-store.ts';
import { slidingWindow } from './sliding-window.ts';
import { tokenBucket } from './token-bucket.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of limit stores', () => {
  for (const { name, run } of limitStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryLimitStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

const limit = tokenBucket({ capacity: 5, refillPerSecond: 1 });
const seed = (): readonly [number, number] => [1, 2];

function ask(key: string, over: Partial<LimitRequest> = {}): LimitRequest {
  return { name: 'limit', key, limit, cost: 1, ...over };
}

/** What a store with endless memory would do. */
function naiveStore(now: () => number): Pick<SyncLimitStore, 'reconcile'> & {
  readonly consume: (requests: readonly LimitRequest[]) => boolean;
} {
  const states = new Map<string, LimitState>();
  const stateOf = ({ name, key }: LimitRequest): LimitState => {
    const id = JSON.stringify([name, key]);
    const state = states.get(id) ?? { used: 0, at: 0, previous: 0 };
    states.set(id, state);
    return state;
  };
  return {
    consume: (requests) => {
      const fits = requests.every(
        (request) =>
          levelOf(request.limit, stateOf(request), now()) + request.cost <= request.limit.capacity,
      );
      if (fits) for (const each of requests) charge(each.limit, stateOf(each), now(), each.cost);
      return fits;
    },
    reconcile: (reconciliations) => {
      for (const each of reconciliations) {
        const extra = each.actual - each.cost;
        if (extra > 0) charge(each.limit, stateOf(each), now(), extra);
        else giveBack(each.limit, stateOf(each), now(), -extra, each.at);
      }
    },
  };
}

const algorithms: Readonly<Record<string, Limit>> = {
  bucket: limit,
  slidingWindow: slidingWindow({ limit: 5, window: '4s' }),
  fixedWindow: fixedWindow({ limit: 5, window: '4s' }),
};

const steps = (callers: number, length: number, rest: number) =>
  fc.array(
    fc.record({
      wait: fc.oneof(fc.constant(0), fc.nat(rest / 10), fc.nat(rest)),
      key: fc.nat(callers - 1).map((index) => `caller ${index}`),
      cost: fc.integer({ min: 1, max: 4 }),
      actual: fc.option(fc.nat(6), { nil: undefined }),
    }),
    { maxLength: length, size: 'max' },
  );

describe('against a store with endless memory', () => {
  for (const [name, chosen] of Object.entries(algorithms)) {
    test(`${name}: the same while there is room`, () => {
      fc.assert(
        fc.property(steps(12, 150, 6_000), (list) => {
          let time = START;
          const now = () => time;
          const store = memoryLimitStore({ capacity: 8, now, seed });
          const naive = naiveStore(now);
          for (const { wait, key, cost, actual } of list) {
            time += wait;
            const request = ask(key, { limit: chosen, cost });
            const { allowed, at } = store.consume([request]);
            expect(allowed).toBe(naive.consume([request]));
            if (allowed && actual !== undefined) {
              store.reconcile([{ ...request, actual, at }]);
              naive.reconcile([{ ...request, actual, at }]);
            }
          }
        }),
      );
    });

    test(`${name}: never admits what that one denies, whatever floods it`, () => {
      fc.assert(
        fc.property(steps(40, 300, 400), (list) => {
          let time = START;
          const now = () => time;
          const store = memoryLimitStore({ capacity: 1, now, seed });
          const naive = naiveStore(now);
          for (const { wait, key, cost, actual } of list) {
            time += wait;
            const request = ask(key, { limit: chosen, cost });
            const { allowed, at } = store.consume([request]);
            if (!allowed) continue;
            expect(naive.consume([request])).toBe(true);
            if (actual !== undefined) {
              store.reconcile([{ ...request, actual, at }]);
              naive.reconcile([{ ...request, actual, at }]);
            }
          }
        }),
      );
    });
  }
});

describe('a flood of keys', () => {
  for (const [name, chosen] of Object.entries(algorithms)) {
    test(`${name}: never resets a limited caller`, () => {
      let time = Math.ceil(START / 4_000) * 4_000;
      const store = memoryLimitStore({ capacity: 100, now: () => time });
      const victim = ask('victim', { limit: chosen, cost: 5 });
      expect(store.consume([victim]).allowed).toBe(true);
      for (let flood = 0; flood < 20_000; flood++) {
        if (flood % 10_000 === 0) time += 100;
        store.consume([ask(`flood ${flood}`, { limit: chosen })]);
        if (flood % 500 === 0) expect(store.consume([victim]).allowed).toBe(false);
      }
      time += 8_000;
      expect(store.consume([victim]).allowed).toBe(true);
    });
  }

  test('the previous window also counts for evicted callers', () => {
    let time = Math.ceil(START / 4_000) * 4_000;
    const store = memoryLimitStore({ capacity: 1, now: () => time, seed });
    const take = (key: string, cost: number): boolean =>
      store.consume([ask(key, { limit: slidingWindow({ limit: 5, window: '4s' }), cost })]).allowed;
    for (let other = 0; other < 15; other++) take(`other ${other}`, 4);
    take('first', 3);
    take('puts out the first, who has used least', 1);
    time += 6_000;
    take('puts out the last, who has used less', 1);
    // Half of 3 still counts.
    expect(take('first', 4)).toBe(false);
    expect(take('first', 3)).toBe(true);
  });

  test('callers who come back in their turn are served again when it is over', () => {
    let time = START;
    const store = memoryLimitStore({ capacity: 100, now: () => time });
    for (let flood = 0; flood < 20_000; flood++) store.consume([ask(`flood ${flood}`)]);
    expect(store.consume([ask('honest', { cost: 5 })]).allowed).toBe(false);
    time += 5_000;
    for (let caller = 0; caller < 100; caller++) {
      expect(store.consume([ask(`honest ${caller}`, { cost: 5 })]).allowed).toBe(true);
    }
  });

  test('while it lasts newcomers share what its places let flow back', () => {
    let time = START;
    const store = memoryLimitStore({ capacity: 100, now: () => time });
    let admitted = 0;
    for (let flood = 0; flood < 10_000; flood++) {
      time += 1;
      if (store.consume([ask(`flood ${flood}`)]).allowed) admitted++;
    }
    // 208 slots hold 5 units each and let one flow back a second, for ten seconds.
    expect(admitted).toBeGreaterThan(1_500);
    expect(admitted).toBeLessThanOrEqual(208 * 15);
  });

  test('takes no memory, and neither do denials and questions', () => {
    const store = memoryLimitStore({ capacity: 1_000 });
    store.consume([ask('first')]);
    const before = process.memoryUsage().arrayBuffers;
    for (let flood = 0; flood < 50_000; flood++) {
      store.consume([ask(`flood ${flood}`, { cost: flood % 3 })]);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000);
  });
});

test('takes at most 100 bytes for each caller that it was made for', () => {
  const before = process.memoryUsage().arrayBuffers;
  const store = memoryLimitStore({ capacity: 100_000 });
  store.consume([ask('first')]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(100 * 100_000);
});

test('remembers as many callers as it was made for, each exactly, but for a few in full places', () => {
  const store = memoryLimitStore({ capacity: 10_000, now: () => START, seed });
  let exact = 0;
  for (let caller = 0; caller < 10_000; caller++) {
    const [verdict] = store.consume([ask(`caller ${caller}`)]).verdicts;
    if (verdict?.remaining === 4) exact++;
  }
  expect(exact).toBeGreaterThan(9_900);
});

test('callers of one limit leave those of another alone', () => {
  const store = memoryLimitStore({ capacity: 10, now: () => START });
  for (let flood = 0; flood < 1_000; flood++) store.consume([ask(`flood ${flood}`, { cost: 5 })]);
  expect(store.consume([ask('honest', { name: 'other' })]).verdicts[0]?.remaining).toBe(4);
});

test('a clock set back by a year neither refills nor locks out', () => {
  let time = START;
  const store = memoryLimitStore({ now: () => time });
  store.consume([ask('caller', { cost: 5 })]);
  time -= 31_536_000_000;
  expect(store.consume([ask('caller')]).allowed).toBe(false);
  time += 1_000;
  expect(store.consume([ask('caller')]).allowed).toBe(true);
  expect(store.consume([ask('caller')]).allowed).toBe(false);
});

test('a hand-made limit of nonsense admits nobody', () => {
  const store = memoryLimitStore({ now: () => START });
  for (const broken of [
    { ...limit, capacity: Number.NaN },
    { algorithm: 'fixed_window', capacity: Number.NaN, window: 1_000 },
  ] satisfies Limit[]) {
    expect(store.consume([ask('caller', { limit: broken })]).allowed).toBe(false);
  }
});

test('names made of input are noticed', () => {
  const store = memoryLimitStore({ capacity: 1 });
  expect(() => {
    for (let name = 0; name < 300; name++) store.consume([ask('caller', { name: `${name}` })]);
  }).toThrow(/fixed names/);
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 25])(
  'cannot be constructed with capacity %s',
  (capacity) => {
    expect(() => memoryLimitStore({ capacity })).toThrow(/capacity/);
  },
);
