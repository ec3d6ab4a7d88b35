import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Limit } from '../contracts/limit-store.ts';
import type { Duration } from '../lib/duration.ts';
import { fixedWindow } from './fixed-window.ts';
import { gcra } from './gcra.ts';
import {
  charge,
  giveBack,
  type LimitState,
  levelOf,
  limitVerdict,
  resetAfterMs,
  retryAfterMs,
  speedOf,
} from './limit-law.ts';
import { slidingWindow } from './sliding-window.ts';
import { tokenBucket } from './token-bucket.ts';

const START = 1_700_000_000_000;

const limits = {
  tokenBucket: fc
    .record({ capacity: fc.double({ min: 0.5, max: 1e4, noNaN: true }), rate: rates() })
    .map(({ capacity, rate }) => tokenBucket({ capacity, refillPerSecond: rate })),
  gcra: fc
    .record({ limit: rates(), period: milliseconds(10_000), burst: fc.nat(50) })
    .map(({ burst, ...rest }) => gcra({ ...rest, burst: burst + 1 })),
  slidingWindow: fc
    .record({ limit: fc.integer({ min: 1, max: 100 }), window: milliseconds(9_000) })
    .map(slidingWindow),
  fixedWindow: fc
    .record({ limit: fc.integer({ min: 1, max: 100 }), window: milliseconds(9_000) })
    .map(fixedWindow),
} satisfies Record<string, fc.Arbitrary<Limit>>;

function milliseconds(max: number): fc.Arbitrary<Duration> {
  return fc.integer({ min: 1, max }).map((length): Duration => `${length}ms`);
}

function rates(): fc.Arbitrary<number> {
  return fc.double({ min: 0.01, max: 1e4, noNaN: true });
}

/** Calls as pairs: milliseconds since the one before, and a share of the capacity as the cost. */
const calls = fc.array(
  fc.tuple(
    fc.oneof(fc.nat(3), fc.nat(20_000)),
    fc.oneof(fc.constant(1), fc.double({ min: 0.001, max: 1.1, noNaN: true })),
  ),
  { minLength: 1, maxLength: 60 },
);

function fresh(): LimitState {
  return { used: 0, at: 0, previous: 0 };
}

interface Admitted {
  readonly time: number;
  readonly cost: number;
}

/** Runs calls against one limit and tells what was admitted. */
function run(limit: Limit, list: readonly (readonly [number, number])[]): readonly Admitted[] {
  const state = fresh();
  let time = START;
  return list.flatMap(([wait, share]) => {
    time += wait;
    const cost = share * limit.capacity;
    if (!(levelOf(limit, state, time) + cost <= limit.capacity)) return [];
    charge(limit, state, time, cost);
    return [{ time, cost }];
  });
}

/** The most that was admitted, above what `allowed` says, in any interval that begins and ends with a call. */
function worstExcess(
  admitted: readonly Admitted[],
  allowed: (first: number, last: number) => number,
): number {
  let worst = 0;
  for (const [index, first] of admitted.entries()) {
    let sum = 0;
    for (const { time, cost } of admitted.slice(index)) {
      sum += cost;
      worst = Math.max(worst, sum - allowed(first.time, time));
    }
  }
  return worst;
}

describe('over any interval no algorithm admits more than its formula', () => {
  for (const [name, arbitrary] of Object.entries(limits)) {
    test(name, () => {
      fc.assert(
        fc.property(arbitrary, calls, (limit: Limit, list) => {
          const { capacity } = limit;
          const formula = (first: number, last: number): number => {
            if (limit.algorithm === 'bucket') {
              return capacity + ((last - first) * limit.refill) / limit.period;
            }
            // Both count what falls between two multiples of the window.
            const { window } = limit;
            return capacity * (Math.floor(last / window) - Math.floor(first / window) + 1);
          };
          expect(worstExcess(run(limit, list), formula)).toBeLessThanOrEqual(capacity * 1e-9);
        }),
        { numRuns: 300 },
      );
    });
  }

  test('slidingWindow also holds its estimate at every moment', () => {
    fc.assert(
      fc.property(limits.slidingWindow, calls, (limit, list) => {
        const { window, capacity } = limit;
        const admitted = run(limit, list);
        for (const { time } of admitted) {
          const start = Math.floor(time / window) * window;
          const sum = (from: number, to: number): number =>
            admitted.reduce(
              (total, call) =>
                call.time >= from && call.time < to && call.time <= time
                  ? total + call.cost
                  : total,
              0,
            );
          const estimate =
            sum(start, start + window) +
            (sum(start - window, start) * (start + window - time)) / window;
          expect(estimate).toBeLessThanOrEqual(capacity * (1 + 1e-9));
        }
      }),
    );
  });
});

describe('retryAfterMs is exact: the first millisecond that admits', () => {
  for (const [name, arbitrary] of Object.entries(limits)) {
    test(name, () => {
      fc.assert(
        fc.property(
          arbitrary,
          calls,
          fc.double({ min: 0.001, max: 1, noNaN: true }),
          fc.nat(5_000),
          (limit: Limit, list, share, later) => {
            const state = fresh();
            let time = START;
            for (const [wait, part] of list) {
              time += wait;
              const taken = part * limit.capacity;
              if (levelOf(limit, state, time) + taken <= limit.capacity) {
                charge(limit, state, time, taken);
              }
            }
            time += later;
            const cost = share * limit.capacity;
            const fits = (at: number): boolean =>
              levelOf(limit, state, at) + cost <= limit.capacity;
            const wait = retryAfterMs(limit, state, time, cost);
            expect(fits(time + wait)).toBe(true);
            expect(wait === 0 || !fits(time + wait - 1)).toBe(true);
            expect(
              levelOf(limit, state, time + Math.ceil(resetAfterMs(limit, state, time))),
            ).toBeCloseTo(0, 3);
          },
        ),
        { numRuns: 300 },
      );
    });
  }

  test('a cost that never fits has no retry time, and NaN does not fit', () => {
    const limit = tokenBucket({ capacity: 5, refillPerSecond: 1 });
    expect(retryAfterMs(limit, fresh(), START, 5.001)).toBe(Number.POSITIVE_INFINITY);
    expect(retryAfterMs(limit, fresh(), START, Number.NaN)).toBe(Number.POSITIVE_INFINITY);
    const broken = { ...limit, refill: 0 };
    expect(retryAfterMs(broken, { used: 5, at: START, previous: 0 }, START, 1)).not.toBe(0);
  });
});

describe('giving back', () => {
  const operations = fc.array(
    fc.tuple(fc.oneof(fc.nat(5), fc.nat(3_000)), fc.integer({ min: 1, max: 5 }), fc.boolean()),
    { maxLength: 40 },
  );
  for (const [name, limit] of Object.entries({
    bucket: tokenBucket({ capacity: 10, refillPerSecond: 4 }),
    slidingWindow: slidingWindow({ limit: 10, window: '1s' }),
    fixedWindow: fixedWindow({ limit: 10, window: '1s' }),
  })) {
    test(`${name}: never leaves less than if the call had not been made`, () => {
      fc.assert(
        fc.property(operations, (list) => {
          // `state` charges everything and gives some back later; `without` never charged those.
          const state = fresh();
          const without = fresh();
          const owed: { cost: number; at: number }[] = [];
          let time = START;
          // Since no more than one capacity is owed, a call in flight may give back what was left uncharged beside it:
          // one capacity at most, since no more than that is reserved at any time.
          let leftUncharged = 0;
          for (const [wait, cost, keep] of list) {
            time += wait;
            const level = levelOf(limit, state, time);
            if (keep) {
              if (level + cost > 2 * limit.capacity) leftUncharged = limit.capacity;
              charge(limit, state, time, cost);
              charge(limit, without, time, cost);
            } else if (level + cost <= limit.capacity) {
              charge(limit, state, time, cost);
              owed.push({ cost, at: time });
            }
            if (owed.length > 2) {
              const { cost: amount, at } = owed.shift() as { cost: number; at: number };
              giveBack(limit, state, time, amount, at);
            }
            expect(levelOf(limit, state, time)).toBeGreaterThanOrEqual(
              levelOf(limit, without, time) - leftUncharged - 1e-9,
            );
            expect(levelOf(limit, state, time)).toBeLessThanOrEqual(2 * limit.capacity + 1e-9);
          }
        }),
        { numRuns: 1_000 },
      );
    });
  }

  test('gives all back that has just been taken', () => {
    for (const limit of [
      tokenBucket({ capacity: 10, refillPerSecond: 4 }),
      slidingWindow({ limit: 10, window: '1s' }),
    ]) {
      const state = fresh();
      charge(limit, state, START, 10);
      giveBack(limit, state, START, 7, START);
      expect(levelOf(limit, state, START)).toBe(3);
    }
  });
});

test('a state from a clock that was ahead does not run away', () => {
  for (const limit of [
    tokenBucket({ capacity: 2, refillPerSecond: 1 }),
    slidingWindow({ limit: 2, window: '1s' }),
    fixedWindow({ limit: 2, window: '1s' }),
  ]) {
    const state = fresh();
    charge(limit, state, START, 2);
    expect(levelOf(limit, state, START - 500)).toBe(2);
    charge(limit, state, START - 500, 0);
    expect(levelOf(limit, state, START - 400)).toBe(2);
    const wait = retryAfterMs(limit, state, START - 400, 1);
    expect(levelOf(limit, state, START - 400 + wait)).toBeLessThanOrEqual(1);
    expect(levelOf(limit, state, START - 400 + wait - 1)).toBeGreaterThan(1);
  }
});

describe('by hand', () => {
  const bucket = tokenBucket({ capacity: 10, refillPerSecond: 2 });
  const sliding = slidingWindow({ limit: 10, window: '1s' });
  const fixed = fixedWindow({ limit: 10, window: '1s' });
  const state = (used: number, at = 1_000, previous = 0): LimitState => ({ used, at, previous });

  test.each<[string, Limit, LimitState, number, number, object]>([
    ['is full', bucket, state(10), 1_000, 3, { allowed: false, remaining: 0, retryAfterMs: 1_500 }],
    ['is over', bucket, state(12), 1_000, 3, { allowed: false, remaining: 0, retryAfterMs: 2_500 }],
    ['has room', bucket, state(4), 1_000, 3, { allowed: true, remaining: 6, retryAfterMs: 0 }],
    ['fades', sliding, state(2, 1_000, 10), 1_000, 1, { remaining: 0, retryAfterMs: 300 }],
    ['fades in the next', sliding, state(10), 1_000, 1, { remaining: 0, retryAfterMs: 1_100 }],
    ['ends', fixed, state(10), 1_200, 1, { allowed: false, remaining: 0, retryAfterMs: 800 }],
  ])('the verdict of what %s', (_what, limit, known, now, cost, verdict) => {
    expect(limitVerdict(limit, known, now, cost, false)).toMatchObject(verdict);
  });

  test('a call that was taken need not be tried again, however little is left', () => {
    expect(limitVerdict(bucket, state(10), 1_000, 3, true)).toEqual({
      allowed: true,
      remaining: 0,
      resetAfterMs: 5_000,
      retryAfterMs: 0,
    });
  });

  test.each<[string, Limit, LimitState, number, number]>([
    ['a bucket that has flowed for a second', bucket, state(6), 2_000, 2_000],
    ['a bucket whose clock was ahead', bucket, state(6), 0, 4_000],
    ['an empty bucket whose clock was ahead', bucket, state(0), 0, 0],
    ['a sliding window', sliding, state(1), 1_200, 1_800],
    ['a sliding window with a part of the one before', sliding, state(0, 1_000, 2), 1_200, 800],
    ['a sliding window without anything', sliding, state(0), 1_200, 0],
    ['a fixed window', fixed, state(1), 1_200, 800],
    ['a fixed window of which the one before was used', fixed, state(0, 1_000, 2), 1_200, 0],
  ])('nothing counts any more of %s', (_what, limit, known, now, after) => {
    expect(resetAfterMs(limit, known, now)).toBe(after);
  });

  test.each<[string, Limit, LimitState, number, number, number, LimitState]>([
    ['to a bucket', bucket, state(6), 2_000, 1, 2_000, state(3, 2_000)],
    [
      'to a bucket what has flowed back already',
      bucket,
      state(6),
      2_000,
      1,
      1_000,
      state(4, 2_000),
    ],
    ['to a bucket whose clock was ahead', bucket, state(6), 500, 1, 500, state(5)],
    ['to a window', sliding, state(2, 1_000, 6), 1_200, 4, 1_100, state(0, 1_000, 6)],
    ['to the window before', sliding, state(2, 1_000, 6), 1_200, 4, 500, state(2, 1_000, 2)],
    ['more than that window has', sliding, state(2, 1_000, 6), 1_200, 9, 500, state(2, 1_000, 0)],
    ['to a window long ago', sliding, state(2, 2_000, 6), 2_200, 4, 500, state(2, 2_000, 6)],
  ])('gives back %s', (_what, limit, known, now, amount, since, left) => {
    giveBack(limit, known, now, amount, since);
    expect(known).toEqual(left);
  });

  const [minute, tenMs] = [60_000, 10] as const;
  // `START` is 20 seconds into a minute.
  test.each<[string, Limit, number, number]>([
    ['a bucket', tokenBucket({ capacity: 100, refillPerSecond: 100 / 60 }), 0, 199],
    [
      'a sliding window from its beginning',
      slidingWindow({ limit: 100, window: '1m' }),
      40_000,
      100,
    ],
    [
      'a sliding window around a multiple',
      slidingWindow({ limit: 100, window: '1m' }),
      39_000,
      198,
    ],
    ['a fixed window around its turn', fixedWindow({ limit: 100, window: '1m' }), 39_000, 200],
  ])('of 100 a minute, what one minute lets in at most: %s', (_what, limit, wait, most) => {
    // A burst at once, and a call every ten milliseconds.
    const burst = Array.from(
      { length: 100 },
      (_, index) => [index === 0 ? wait : 0, 0.01] as const,
    );
    const steady = Array.from({ length: minute / tenMs - 1 }, () => [tenMs, 0.01] as const);
    expect(run(limit, [...burst, ...steady])).toHaveLength(most);
  });

  test('tells speeds apart: units in a millisecond, and windows', () => {
    expect([speedOf(bucket), speedOf(sliding), speedOf(fixed)]).toEqual([0.002, 1_000, 1_000]);
  });
});
