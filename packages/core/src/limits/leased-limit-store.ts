import type {
  LimitAnswer,
  LimitRequest,
  LimitStore,
  LimitVerdict,
  Reconciliation,
} from '../contracts/limit-store.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { speedOf } from './limit-law.ts';
import { makeLease, pauseOf, remember, spend, type UnitLease, verdictOf } from './unit-lease.ts';

/** Options of {@link leasedLimitStore}. */
export interface LeasedLimitStoreOptions {
  /** Units of one limit and key that this process may hold at most. */
  readonly slice: number;
  /** When units that were not spent are dropped, from `1ms` to `1m`. Default: `1s`. */
  readonly ttl?: Duration | undefined;
  /** Keys whose units or denials are held at once. Default: 10,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = ['slice', 'ttl', 'capacity', 'now'] as const;
/** Rounds in which others may spend what was just taken, before a call asks for itself alone. */
const MOST_ROUNDS = 4;
const LEASED = 'limit.leased';

/**
 * A store in front of another one that takes units in slices and spends them in this process: for keys so hot that
 * a question for each call is too much. A key begins with one question for each call; the more of its
 * units are spent in time, the more are taken at once, up to `slice`. Denials are remembered until `retryAfterMs`;
 * while many calls of a key are denied it is asked for less and less often, at least four times in each `ttl`, and
 * `retryAfterMs` tells when.
 *
 * Units are taken before they are spent, and all limits of a call have room or none is spent. With `n`
 * processes, over any interval, at most `n * slice` units more are admitted than the limit says (held from
 * before), and none at all over a fixed window; at most `n * slice` fewer for each `ttl` (held and dropped).
 * A cost above `slice` is taken as it is.
 *
 * Answers that were given without a question are marked as degraded (`limit.leased`); what they tell as
 * remaining is what was known at the last question.
 *
 * @throws ConfigurationError when `slice`, `ttl` or `capacity` is out of its bounds.
 * @example
 * const store = leasedLimitStore(redisLimitStore(redis), { slice: 50 });
 */
export function leasedLimitStore(store: LimitStore, options: LeasedLimitStoreOptions): LimitStore {
  assertKnownOptions('leasedLimitStore', options, OPTIONS);
  const { slice, capacity = 10_000, now = Date.now } = options;
  const ttl = durationMs('leasedLimitStore', 'ttl', options.ttl ?? '1s', { max: '1m' });
  assertConfiguration(
    typeof store?.consume === 'function' && typeof store.reconcile === 'function',
    'leasedLimitStore: give it the store that counts for all processes.',
  );
  assertConfiguration(
    slice > 0 && Number.isFinite(slice),
    'leasedLimitStore: slice must be a number of units above 0.',
  );
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 2,
    'leasedLimitStore: capacity must be a whole number of keys, at least 2.',
  );
  const clock = steadyClock(now);
  // Every entry counts as one byte, so only their number bounds it.
  const leases = boundedCache<UnitLease>({ maxEntries: capacity, maxBytes: capacity * 2 });

  const leaseOf = ({ name, key, limit }: LimitRequest, time: number): UnitLease => {
    const id = `${name.length}:${name}${limit.algorithm}${speedOf(limit)}:${key}`;
    const known = leases.get(id);
    if (known !== undefined && known.limit.capacity === limit.capacity) {
      if (known.ends <= time && known.left > 0) {
        known.size = Math.floor(known.size / 2);
        known.left = 0;
      }
      return known;
    }
    const lease = makeLease(limit);
    leases.set(id, lease, 1);
    return lease;
  };

  const consume = (
    requests: readonly LimitRequest[],
    round: number,
    degraded?: string,
  ): MaybePromise<LimitAnswer> => {
    const time = clock();
    const held = requests.map((request) => leaseOf(request, time));
    const local = spend(requests, held, time, degraded);
    if (local !== undefined) return local;
    if (round >= MOST_ROUNDS) return store.consume(requests);
    const flights = held.flatMap(({ flight }) => flight ?? []);
    if (flights.length > 0)
      return Promise.all(flights).then(() => consume(requests, round + 1, LEASED));
    return take(requests, held, round);
  };

  /** Asks for slices; where there is no room for them, for what the call needs. */
  const take = (
    requests: readonly LimitRequest[],
    held: readonly UnitLease[],
    round: number,
  ): MaybePromise<LimitAnswer> => {
    const time = clock();
    const lacking = requests.flatMap((request, index): readonly Lack[] => {
      const lease = held[index] as UnitLease;
      const need = Math.max(0, request.cost - lease.left);
      if (need === 0 && lease.ends > time) return [];
      // What was spent in time may be spent again, and more.
      if (lease.ends > time) lease.size = Math.min(slice, Math.max(request.cost, lease.size) * 2);
      const wanted = Math.min(lease.size, request.limit.capacity) - lease.left;
      return [{ request, lease, need, wanted: need === 0 ? 0 : Math.max(need, wanted) }];
    });
    const ask = (costs: readonly number[]): MaybePromise<LimitAnswer> => {
      const questions = lacking.map(({ request }, index) => {
        // One cost for each.
        return { ...request, cost: costs[index] as number };
      });
      return after(store.consume(questions), (answer) => {
        if (answer.allowed) {
          absorb(lacking, costs, answer, time);
          return answer;
        }
        const less = lacking.map(({ need, wanted }, index) => {
          const { remaining } = answer.verdicts[index] as LimitVerdict;
          // All that is there, but for the second denial: then somebody else is taking it.
          return Math.max(
            need,
            costs[index] === wanted ? Math.min(wanted, Math.floor(remaining)) : 0,
          );
        });
        if (less.some((cost, index) => cost < (costs[index] as number))) return ask(less);
        return denial(lacking, answer);
      });
    };
    const next = (answer: LimitAnswer): MaybePromise<LimitAnswer> => {
      if (answer.allowed) {
        // From the leases at hand: others may have put them out of their places meanwhile.
        return spend(requests, held, clock(), undefined) ?? consume(requests, round + 1);
      }
      const told = requests.map((request, index) => {
        const at = lacking.findIndex((lack) => lack.request === request);
        return answer.verdicts[at] ?? verdictOf(held[index] as UnitLease, time);
      });
      return { ...answer, verdicts: told };
    };
    const asked = ask(lacking.map(({ wanted }) => wanted));
    if (!isThenable(asked)) return next(asked);
    const end = (): void => {
      for (const { lease } of lacking) lease.flight = undefined;
    };
    const flight = asked.finally(end);
    for (const { lease } of lacking) lease.flight = flight;
    return flight.then(next);
  };

  const absorb = (
    lacking: readonly Lack[],
    costs: readonly number[],
    { at, verdicts }: LimitAnswer,
    asked: number,
  ): void => {
    const time = clock();
    lacking.forEach(({ request, lease, wanted }, index) => {
      const { remaining, resetAfterMs } = verdicts[index] as LimitVerdict;
      const cost = costs[index] as number;
      if (lease.ends <= time) lease.left = 0;
      lease.left += cost;
      lease.spent = 0;
      lease.at = at;
      lease.remaining = remaining;
      lease.resetAt = time + resetAfterMs;
      // A fixed window must not begin with units of the last. Counted from the question: the store decided later,
      // and the answer may have been under way while the window turned.
      const fixed = lease.limit.algorithm === 'fixed_window';
      lease.ends = fixed ? asked + Math.min(ttl, resetAfterMs) : time + ttl;
      // That was all there is, so who comes when it is spent need not ask, if the key is known to be hot.
      if (cost < wanted) {
        remember(lease, request.cost, time, pauseOf(lease, time, slice, ttl));
        lease.size = Math.max(lease.size, cost);
      }
    });
  };

  const denial = (lacking: readonly Lack[], answer: LimitAnswer): LimitAnswer => {
    const time = clock();
    const verdicts = answer.verdicts.map((verdict, index): LimitVerdict => {
      const { request, lease } = lacking[index] as Lack;
      const { allowed, remaining, resetAfterMs } = verdict;
      if (allowed || !Number.isFinite(verdict.retryAfterMs)) {
        lease.size = 0;
        return verdict;
      }
      const retryAfterMs = Math.ceil(
        Math.max(verdict.retryAfterMs, pauseOf(lease, time, slice, ttl)),
      );
      remember(lease, request.cost, time, retryAfterMs);
      Object.assign(lease, { at: answer.at, remaining, resetAt: time + resetAfterMs });
      return { ...verdict, retryAfterMs };
    });
    return { ...answer, verdicts };
  };

  /** What one lease takes of a reconciliation; false where the store must know it. */
  const absorbs = (reconciliation: Reconciliation, time: number): boolean => {
    const { cost, actual, at } = reconciliation;
    const lease = leaseOf(reconciliation, time);
    const back = cost - actual;
    // What was taken from the store before the last question may have come back there already.
    const left = lease.left + back;
    if (lease.ends <= time || left < 0) return false;
    if (back > 0 && (at < lease.at || left > slice || back > lease.spent)) return false;
    lease.left = left;
    lease.spent -= back;
    return true;
  };

  return Object.freeze<LimitStore>({
    consume: (requests) => consume(requests, 0, LEASED),
    reconcile: (reconciliations) => {
      const time = clock();
      const rest = reconciliations.filter(
        (each) => each.actual !== each.cost && !absorbs(each, time),
      );
      return rest.length === 0 ? undefined : store.reconcile(rest);
    },
  });
}

/** A limit of which this process holds too little for a call. */
interface Lack {
  readonly request: LimitRequest;
  readonly lease: UnitLease;
  readonly need: number;
  readonly wanted: number;
}

function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}
