import {
  charge,
  type LimitState,
  levelOf,
  resetAfter,
  retryAfter,
} from '../internal/limits/limit-law.ts';
import { fixedWindow } from '../limits/fixed-window.ts';
import { gcra } from '../limits/gcra.ts';
import { slidingWindow } from '../limits/sliding-window.ts';
import { tokenBucket } from '../limits/token-bucket.ts';
import type {
  BucketLimit,
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
  WindowLimit,
} from '../stores/limit-store.ts';
import {
  assertSame,
  assertThat,
  type ContractCase,
  hostileKeys,
  type StoreSubject,
} from './contract-case.ts';

type Case = ContractCase<StoreSubject<LimitStore>>;

const HOUR = 3_600_000;

/** Limits of which nothing comes back while a test runs. */
const slow: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 }),
  gcra: gcra({ limit: 1, period: HOUR, burst: 3 }),
  slidingWindow: slidingWindow({ limit: 3, window: 1_000 * HOUR }),
  fixedWindow: fixedWindow({ limit: 3, window: 1_000 * HOUR }),
};

/** Limits that recover within a moment, below a second. */
const quick: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 2, refillPerSecond: 10 }),
  gcra: gcra({ limit: 2, period: 150, burst: 2 }),
  slidingWindow: slidingWindow({ limit: 2, window: 150 }),
  fixedWindow: fixedWindow({ limit: 2, window: 150 }),
};

const THREE = tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 });

function ask(over: Partial<LimitRequest> = {}): LimitRequest {
  return { name: 'limit', key: 'caller', limit: THREE, cost: 1, ...over };
}

async function allowed(
  store: LimitStore,
  requests: readonly LimitRequest[],
  expected: boolean,
  what: string,
): Promise<LimitAnswer> {
  const answer = await store.consume(requests);
  assertSame(answer.allowed, expected, what);
  assertSame(answer.verdicts.length, requests.length, `${what}: verdicts`);
  return answer;
}

function each(
  limits: Readonly<Record<string, Limit>>,
  name: string,
  run: (store: LimitStore, limit: Limit, subject: StoreSubject<LimitStore>) => Promise<void>,
): readonly Case[] {
  return Object.entries(limits).map(([algorithm, limit]) => ({
    name: `${algorithm}: ${name}`,
    run: async (subject) => run(await subject.create(), limit, subject),
  }));
}

function one(
  name: string,
  run: (store: LimitStore, subject: StoreSubject<LimitStore>) => Promise<void>,
): Case {
  return { name, run: async (subject) => run(await subject.create(), subject) };
}

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

/**
 * What every `LimitStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of limitStoreContract) test(name, () => run({ create, pass }));
 */
export const limitStoreContract: readonly ContractCase<StoreSubject<LimitStore>>[] = Object.freeze([
  ...each(slow, 'admits as much as the limit and then refuses', async (store, limit) => {
    for (const left of [2, 1, 0]) {
      const { verdicts } = await allowed(store, [ask({ limit })], true, `with ${left} left`);
      assertSame(verdicts[0]?.remaining, left, 'remaining', 0.01);
      assertSame(verdicts[0]?.retryAfter, 0, 'retryAfter');
      assertThat(
        (verdicts[0]?.resetAfter ?? 0) > 0,
        'resetAfter is above 0 once something is used',
      );
    }
    const { verdicts } = await allowed(store, [ask({ limit })], false, 'above the limit');
    assertSame(verdicts[0]?.allowed, false, 'verdict');
    assertSame(verdicts[0]?.remaining, 0, 'remaining', 0.01);
    assertThat((verdicts[0]?.retryAfter ?? 0) > 0, 'retryAfter is above 0');
  }),
  ...each(slow, 'a refusal takes nothing', async (store, limit) => {
    await allowed(store, [ask({ limit, cost: 2 })], true, 'two of three');
    for (let call = 0; call < 5; call++) {
      await allowed(store, [ask({ limit, cost: 2 })], false, 'two more');
    }
    await allowed(store, [ask({ limit })], true, 'the last one');
  }),
  ...each(quick, 'who waits as told gets in', async (store, limit, { pass }) => {
    await allowed(store, [ask({ limit, cost: 2 })], true, 'all at once');
    for (let round = 0; round < 4; round++) {
      const { allowed: early, verdicts } = await store.consume([ask({ limit, cost: 2 })]);
      // On a real clock the window may just have turned.
      if (!early) {
        await pass(verdicts[0]?.retryAfter ?? 0);
        await allowed(store, [ask({ limit, cost: 2 })], true, 'after waiting');
      }
    }
  }),
  ...each(slow, 'a cost above the capacity can never pass', async (store, limit) => {
    const { verdicts } = await allowed(store, [ask({ limit, cost: 4 })], false, 'four of three');
    assertSame(verdicts[0]?.retryAfter, Number.POSITIVE_INFINITY, 'retryAfter');
    await allowed(store, [ask({ limit, cost: 3 })], true, 'three of three');
  }),
  ...each(slow, 'a cost of 0 asks without taking', async (store, limit) => {
    for (let call = 0; call < 10; call++) {
      const { verdicts } = await allowed(store, [ask({ limit, cost: 0 })], true, 'asking');
      assertSame(verdicts[0]?.remaining, 3, 'remaining');
      assertSame(verdicts[0]?.resetAfter, 0, 'resetAfter');
    }
    await allowed(store, [ask({ limit, cost: 3 })], true, 'everything');
    await allowed(store, [ask({ limit, cost: 0 })], true, 'asking when all is taken');
  }),
  ...each(slow, 'costs may be fractions', async (store, limit) => {
    for (let call = 0; call < 12; call++) {
      await allowed(store, [ask({ limit, cost: 0.25 })], true, `quarter ${call}`);
    }
    await allowed(store, [ask({ limit, cost: 0.25 })], false, 'one quarter too many');
  }),
  ...each(slow, 'of calls at the same moment exactly as many pass as fit', async (store, limit) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => store.consume([ask({ limit })])),
    );
    assertSame(answers.filter((answer) => answer.allowed).length, 3, 'admitted');
  }),
  ...each(slow, 'gives back what a call did not cost', async (store, limit) => {
    const request = ask({ limit, cost: 3 });
    const { at } = await allowed(store, [request], true, 'three');
    await store.settle([{ ...request, actual: 1, at }]);
    await allowed(store, [ask({ limit, cost: 2 })], true, 'the two that came back');
    await allowed(store, [ask({ limit })], false, 'no more than these');
  }),
  ...each(slow, 'charges what a call cost more, below zero', async (store, limit) => {
    const request = ask({ limit });
    const { at } = await allowed(store, [request], true, 'one');
    await store.settle([{ ...request, actual: 5, at }]);
    const { verdicts } = await allowed(store, [ask({ limit })], false, 'in debt');
    assertSame(verdicts[0]?.remaining, 0, 'remaining is never negative');
  }),
  ...each(slow, 'settling as expected changes nothing', async (store, limit) => {
    const request = ask({ limit });
    const { at } = await allowed(store, [request], true, 'one');
    await store.settle([{ ...request, actual: 1, at }]);
    const { verdicts } = await allowed(store, [ask({ limit, cost: 0 })], true, 'asking');
    assertSame(verdicts[0]?.remaining, 2, 'remaining', 0.01);
  }),
  ...each(slow, 'never gives back more than was used', async (store, limit) => {
    const request = ask({ limit, cost: 1 });
    const { at } = await allowed(store, [request], true, 'one');
    for (let call = 0; call < 3; call++) await store.settle([{ ...request, actual: 0, at }]);
    await allowed(store, [ask({ limit, cost: 3 })], true, 'three');
    await allowed(store, [ask({ limit })], false, 'four');
  }),
  ...each(quick, 'what was used long ago cannot be given back', async (store, limit, { pass }) => {
    const request = ask({ limit, cost: 2 });
    const { at } = await allowed(store, [request], true, 'two');
    await pass(450);
    const again = await allowed(store, [request], true, 'two more');
    await store.settle([{ ...request, actual: 0, at }]);
    const state = { used: 0, at: 0, previous: 0 };
    charge(limit, state, again.at, 2);
    const after = await store.consume([request]);
    const room = levelOf(limit, state, after.at) + 2 <= limit.capacity;
    assertSame(after.allowed, room, 'as if nothing had been given back');
  }),
  ...each(slow, 'a changed limit keeps what was used', async (store, limit) => {
    await allowed(store, [ask({ limit, cost: 3 })], true, 'all of the old limit');
    const { verdicts } = await allowed(
      store,
      [ask({ limit: { ...limit, capacity: 5 } })],
      true,
      'one of the two that are new',
    );
    assertSame(verdicts[0]?.remaining, 1, 'remaining', 0.01);
    await allowed(store, [ask({ limit })], false, 'the old limit again');
  }),
  one('limits of one name that recover at different speeds are counted apart', async (store) => {
    const strict = tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 });
    const loose = tokenBucket({ capacity: 1_000, refillPerSecond: 100_000 });
    for (let call = 0; call < 3; call++) {
      await allowed(store, [ask({ limit: strict })], true, 'the strict limit');
      await allowed(store, [ask({ limit: loose, cost: 100 })], true, 'the loose one');
    }
    for (let call = 0; call < 20; call++) {
      await store.consume([ask({ limit: loose })]);
      await allowed(store, [ask({ limit: strict })], false, 'the strict limit is used up');
    }
  }),
  one('settling by what is no number is no answer', async (store) => {
    const { at } = await allowed(store, [ask({ cost: 3 })], true, 'all');
    let failed = false;
    try {
      await store.settle([{ ...ask({ cost: 3 }), actual: Number.NaN, at }]);
    } catch {
      failed = true;
    }
    assertThat(failed, 'it throws or rejects');
    await allowed(store, [ask()], false, 'nothing was given back');
  }),
  one('several limits are all charged or none', async (store) => {
    const wide = ask({ name: 'wide', limit: { ...THREE, capacity: 10 } });
    const tight = ask({ name: 'tight', limit: { ...THREE, capacity: 2 } });
    await allowed(store, [wide, tight], true, 'first');
    await allowed(store, [wide, tight], true, 'second');
    for (let call = 0; call < 20; call++) {
      const { verdicts } = await allowed(store, [wide, tight], false, 'tight is used up');
      assertSame(verdicts[0]?.allowed, true, 'the wide limit has room');
      assertSame(verdicts[0]?.retryAfter, 0, 'retryAfter of the wide limit');
      assertSame(verdicts[0]?.remaining, 8, 'remaining of the wide limit', 0.01);
      assertSame(verdicts[1]?.allowed, false, 'the tight one has none');
    }
    await allowed(store, [tight, wide], false, 'in the other order');
    await allowed(store, [{ ...wide, cost: 8 }], true, 'the wide limit was not charged');
  }),
  one('several limits are one step for calls at the same moment', async (store) => {
    const user = ask({ name: 'user', limit: { ...THREE, capacity: 30 } });
    const requests = [user, ask({ name: 'all', limit: { ...THREE, capacity: 7 } })];
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => store.consume(requests)),
    );
    assertSame(answers.filter((answer) => answer.allowed).length, 7, 'admitted');
    const { verdicts } = await allowed(store, [{ ...user, cost: 0 }], true, 'asking');
    assertSame(verdicts[0]?.remaining, 23, 'remaining of the wider limit', 0.01);
  }),
  one('sixteen limits of all kinds are one call', async (store) => {
    const requests = Array.from({ length: 16 }, (_, index) =>
      ask({ name: `limit ${index}`, limit: Object.values(slow)[index % 4] ?? THREE }),
    );
    for (let call = 0; call < 3; call++) await allowed(store, requests, true, `call ${call}`);
    await allowed(store, requests, false, 'the fourth');
  }),
  one('keys and names that differ stay different', async (store) => {
    for (const name of ['limit', 'limit2', 'lim', '{limit}', 'limit:caller']) {
      for (const key of hostileKeys) {
        const what = `${name} ${JSON.stringify(key.slice(0, 20))}`;
        await allowed(store, [ask({ name, key, cost: 3 })], true, `new: ${what}`);
      }
    }
    for (const key of hostileKeys) {
      await allowed(store, [ask({ key })], false, `used up: ${JSON.stringify(key.slice(0, 20))}`);
    }
  }),
  one('what no one could write down is not between name and key', async (store) => {
    await allowed(store, [ask({ name: 'a', key: 'b:c', cost: 3 })], true, 'a + b:c');
    await allowed(store, [ask({ name: 'a:b', key: 'c', cost: 3 })], true, 'a:b + c');
    await allowed(store, [ask({ name: 'a', key: 'b' })], true, 'a + b');
    await allowed(store, [ask({ name: 'c', key: 'd:=e', cost: 3 })], true, 'c + d:=e');
    await allowed(store, [ask({ name: 'c:=d', key: 'e', cost: 3 })], true, 'c:=d + e');
  }),
  one('settles several limits, each by its own', async (store) => {
    const requests = [ask({ name: 'one', cost: 3 }), ask({ name: 'two', cost: 3 })];
    const { at } = await allowed(store, requests, true, 'both');
    await store.settle([
      { ...ask({ name: 'one', cost: 3 }), actual: 1, at },
      { ...ask({ name: 'two', cost: 3 }), actual: 3, at },
    ]);
    await allowed(store, [ask({ name: 'one', cost: 2 })], true, 'one');
    await allowed(store, [ask({ name: 'two' })], false, 'two');
  }),
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
      const wait = expected ? 0 : retryAfter(limit, state, at, cost);
      // Asking without taking leaves the state alone, to the last bit.
      if (expected && cost > 0) charge(limit, state, at, cost);
      const remaining = Math.max(0, limit.capacity - levelOf(limit, state, at));
      assertSame(verdicts[0]?.remaining, remaining, `${what}: remaining`, 1e-6);
      assertSame(
        verdicts[0]?.resetAfter,
        resetAfter(limit, state, at),
        `${what}: resetAfter`,
        1e-3,
      );
      assertSame(verdicts[0]?.retryAfter, wait, `${what}: retryAfter`);
    }
  }),
]);
