import type { BucketLimit, WindowLimit } from '../../contracts/limit-store.ts';
import {
  charge,
  type LimitState,
  levelOf,
  resetAfterMs,
  retryAfterMs,
} from '../../limits/limit-law.ts';
import { assertSame, assertThat } from '../contract-case.ts';
import { ask, each, type LimitStoreCase, quick } from './cases.ts';

interface Admitted {
  readonly at: number;
  readonly cost: number;
}

/** In any interval at most the capacity, and what flows back meanwhile. */
function assertBucket(limit: BucketLimit, log: readonly Admitted[]): void {
  log.forEach((first, from) => {
    let units = 0;
    for (const { at, cost } of log.slice(from)) {
      units += cost;
      const most = limit.capacity + ((at - first.at) * limit.refill) / limit.period;
      assertThat(units <= most + 1e-6, `${units} in ${at - first.at} ms, at most ${most}`);
    }
  });
}

/** In each window at most the capacity; where it slides, with what still counts of the one before. */
function assertWindows(limit: WindowLimit, log: readonly Admitted[]): void {
  const units = new Map<number, number>();
  for (const { at, cost } of log) {
    const number = Math.floor(at / limit.window);
    const here = (units.get(number) ?? 0) + cost;
    units.set(number, here);
    const before = limit.algorithm === 'sliding_window' ? (units.get(number - 1) ?? 0) : 0;
    const fading = before * (1 - (at - number * limit.window) / limit.window);
    assertThat(here + fading <= limit.capacity + 1e-6, `${here} and ${fading} in one window`);
  }
}

/** What holds over time, whatever came before: the formula of each limit, and each single decision. */
export const law: readonly LimitStoreCase[] = [
  ...each(
    quick,
    'over any interval admits no more than its formula',
    async (store, limit, { pass }) => {
      const log: Admitted[] = [];
      const worker = async (number: number): Promise<void> => {
        for (let call = 0; call < 24; call++) {
          const cost = 0.5 * (1 + ((number * 7 + call * 5) % 4));
          const answer = await store.consume([ask({ limit, cost })]);
          if (answer.allowed) log.push({ at: answer.at, cost });
          await pass((number * 13 + call * 7) % 23);
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, number) => worker(number)));
      assertThat(log.length > 2, 'something is admitted');
      log.sort((one, other) => one.at - other.at);
      if (limit.algorithm === 'bucket') assertBucket(limit, log);
      else assertWindows(limit, log);
    },
  ),
  ...each(quick, 'decides as the law says, call by call', async (store, limit, { pass }) => {
    // The store tells at what time it decided, so the law can be asked what was right then.
    const states = new Map<string, LimitState>();
    let random = 7;
    const next = (below: number): number => {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((random / 2 ** 32) * below);
    };
    for (let call = 0; call < 120; call++) {
      if (next(4) === 0) await pass(next(60));
      const key = `caller ${next(3)}`;
      const cost = 0.5 * next(4);
      const state = states.get(key) ?? { used: 0, at: 0, previous: 0 };
      states.set(key, state);
      const { at, allowed: actual, verdicts } = await store.consume([ask({ limit, key, cost })]);
      const expected = levelOf(limit, state, at) + cost <= limit.capacity;
      const what = `call ${call}`;
      assertSame(actual, expected, what);
      const wait = expected ? 0 : retryAfterMs(limit, state, at, cost);
      // Asking without taking leaves the state alone, to the last bit.
      if (expected && cost > 0) charge(limit, state, at, cost);
      const remaining = Math.max(0, limit.capacity - levelOf(limit, state, at));
      assertSame(verdicts[0]?.remaining, remaining, `${what}: remaining`, 1e-6);
      assertSame(
        verdicts[0]?.resetAfterMs,
        resetAfterMs(limit, state, at),
        `${what}: resetAfterMs`,
        1e-3,
      );
      assertSame(verdicts[0]?.retryAfterMs, wait, `${what}: retryAfterMs`);
    }
  }),
];
