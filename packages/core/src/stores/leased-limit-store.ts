import { assertConfiguration } from '../configuration-error.ts';
import { boundedCache } from '../internal/bounded-cache.ts';
import { isThenable, type MaybePromise } from '../internal/maybe-promise.ts';
import { steadyClock } from '../internal/steady-clock.ts';
import type {
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
  LimitVerdict,
  Settlement,
} from './limit-store.ts';

/** Options of {@link leasedLimitStore}. */
export interface LeasedLimitStoreOptions {
  /** Units of one limit and key that this process may hold at most. */
  readonly slice: number;
  /** Milliseconds after which units that were not spent are dropped. Default: 1,000. */
  readonly ttl?: number | undefined;
  /** Keys whose units or refusals are held at once. Default: 10,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What this process holds of one limit and key. */
interface Lease {
  readonly limit: Limit;
  /** Units taken from the store and not spent, until `ends`. */
  left: number;
  ends: number;
  /** Units spent since the last answer: more than that cannot be given back here. */
  spent: number;
  /** How many to hold after the next question: more for keys that spend them, less for those that do not. */
  size: number;
  /** The store's time of the last answer, and what was left there. */
  at: number;
  remaining: number;
  resetAt: number;
  /** A cost as large as this is refused until then. */
  refusedCost: number;
  refusedUntil: number;
  /** When that cost would fit, as the store told it. */
  retryAt: number;
  /** The question that others wait for instead of asking it again. */
  flight: Promise<unknown> | undefined;
}

/** Others may give back what they took, so a refusal is asked for again after this at the latest. */
const LONGEST_REFUSAL = 10_000;
const LONGEST_TTL = 60_000;
/** Rounds in which others may spend what was just taken, before a call asks for itself alone. */
const MOST_ROUNDS = 4;
const LEASED = 'limit.leased';

/**
 * A store in front of another one that takes units in slices and spends them in this process: for keys so hot that
 * a question for each call is too much. A key begins with one question for each call; the more of its
 * units are spent in time, the more are taken at once, up to `slice`. Refusals are remembered until `retryAfter`.
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
  const { slice, ttl = 1_000, capacity = 10_000, now = Date.now } = options;
  assertConfiguration(
    typeof store?.consume === 'function' && typeof store.settle === 'function',
    'leasedLimitStore: give it the store that counts for all processes.',
  );
  assertConfiguration(
    slice > 0 && Number.isFinite(slice),
    'leasedLimitStore: slice must be a number of units above 0.',
  );
  assertConfiguration(
    ttl >= 1 && ttl <= LONGEST_TTL,
    'leasedLimitStore: ttl must be milliseconds from 1 to 60,000.',
  );
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 2,
    'leasedLimitStore: capacity must be a whole number of keys, at least 2.',
  );
  const clock = steadyClock(now);
  // Every entry counts as one byte, so only their number bounds it.
  const leases = boundedCache<Lease>({ maxEntries: capacity, maxBytes: capacity * 2 });

  const leaseOf = ({ name, key, limit }: LimitRequest, time: number): Lease => {
    const id = `${name.length}:${name}${limit.algorithm}:${key}`;
    const known = leases.get(id);
    if (known !== undefined && isSame(known.limit, limit)) {
      if (known.ends <= time && known.left > 0) {
        known.size = Math.floor(known.size / 2);
        known.left = 0;
      }
      return known;
    }
    const lease: Lease = {
      limit,
      left: 0,
      ends: 0,
      spent: 0,
      size: 0,
      at: 0,
      remaining: 0,
      resetAt: 0,
      refusedCost: 0,
      refusedUntil: 0,
      retryAt: 0,
      flight: undefined,
    };
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
    const local = decide(requests, held, time, degraded);
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
    held: readonly Lease[],
    round: number,
  ): MaybePromise<LimitAnswer> => {
    const time = clock();
    const lacking = requests.flatMap((request, index): readonly Lack[] => {
      const lease = held[index] as Lease;
      const need = Math.max(0, request.cost - lease.left);
      if (need === 0 && lease.ends > time) return [];
      // What was spent in time may be spent again, and more.
      if (lease.ends > time) lease.size = Math.min(slice, Math.max(request.cost, lease.size) * 2);
      const wanted = Math.min(lease.size, request.limit.capacity) - lease.left;
      return [{ request, lease, need, wanted: need === 0 ? 0 : Math.max(need, wanted) }];
    });
    const ask = (exact: boolean): MaybePromise<LimitAnswer> => {
      const questions = lacking.map(({ request, need, wanted }) => ({
        ...request,
        cost: exact ? need : wanted,
      }));
      return after(store.consume(questions), (answer) => {
        if (!answer.allowed) {
          if (!exact && lacking.some(({ need, wanted }) => wanted > need)) return ask(true);
          return refusal(lacking, answer);
        }
        absorb(lacking, questions, answer);
        return answer;
      });
    };
    const next = (answer: LimitAnswer): MaybePromise<LimitAnswer> => {
      if (answer.allowed) return consume(requests, round + 1);
      const told = requests.map((request, index) => {
        const at = lacking.findIndex((lack) => lack.request === request);
        return answer.verdicts[at] ?? verdictOf(held[index] as Lease, time);
      });
      return { ...answer, verdicts: told };
    };
    const asked = ask(false);
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
    questions: readonly LimitRequest[],
    { at, verdicts }: LimitAnswer,
  ): void => {
    const time = clock();
    lacking.forEach(({ lease }, index) => {
      const { remaining, resetAfter } = verdicts[index] as LimitVerdict;
      if (lease.ends <= time) lease.left = 0;
      lease.left += (questions[index] as LimitRequest).cost;
      lease.spent = 0;
      lease.at = at;
      lease.remaining = remaining;
      lease.resetAt = time + resetAfter;
      // A fixed window must not begin with units of the last.
      const fixed = lease.limit.algorithm === 'fixed_window';
      lease.ends = time + (fixed ? Math.min(ttl, Math.max(1, resetAfter)) : ttl);
    });
  };

  const refusal = (lacking: readonly Lack[], answer: LimitAnswer): LimitAnswer => {
    const time = clock();
    lacking.forEach(({ request, lease }, index) => {
      const { allowed, retryAfter, remaining, resetAfter } = answer.verdicts[index] as LimitVerdict;
      lease.size = 0;
      if (allowed || !Number.isFinite(retryAfter)) return;
      lease.refusedCost = request.cost;
      lease.retryAt = time + retryAfter;
      lease.refusedUntil = time + Math.min(retryAfter, LONGEST_REFUSAL);
      Object.assign(lease, { at: answer.at, remaining, resetAt: time + resetAfter });
    });
    return answer;
  };

  /** What one lease takes of a settlement; false where the store must know it. */
  const absorbs = (settlement: Settlement, time: number): boolean => {
    const { cost, actual, at } = settlement;
    const lease = leaseOf(settlement, time);
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
    settle: (settlements) => {
      const time = clock();
      const rest = settlements.filter((each) => each.actual !== each.cost && !absorbs(each, time));
      return rest.length === 0 ? undefined : store.settle(rest);
    },
  });
}

/** A limit of which this process holds too little for a call. */
interface Lack {
  readonly request: LimitRequest;
  readonly lease: Lease;
  readonly need: number;
  readonly wanted: number;
}

/** Spends what is held, or repeats a refusal; undefined where the store must be asked. */
function decide(
  requests: readonly LimitRequest[],
  held: readonly Lease[],
  time: number,
  degraded: string | undefined,
): LimitAnswer | undefined {
  const isRefused = (lease: Lease, cost: number): boolean =>
    lease.refusedUntil > time && cost >= lease.refusedCost && cost > 0;
  const at = Math.min(...held.map((lease) => lease.at));
  let refused = false;
  let known = true;
  requests.forEach(({ cost }, index) => {
    const lease = held[index] as Lease;
    const enough = lease.ends > time && lease.left >= cost;
    if (!enough && isRefused(lease, cost)) refused = true;
    if (!enough) known = false;
  });
  if (!refused && !known) return undefined;
  const verdicts = requests.map(({ cost }, index): LimitVerdict => {
    const lease = held[index] as Lease;
    if (known) {
      lease.left -= cost;
      lease.spent += cost;
    } else if (isRefused(lease, cost)) {
      const retryAfter = Math.ceil(lease.retryAt - time);
      return { ...verdictOf(lease, time), allowed: false, retryAfter };
    }
    return verdictOf(lease, time);
  });
  return { allowed: known, at, verdicts, degraded };
}

function verdictOf({ remaining, left, resetAt }: Lease, time: number): LimitVerdict {
  const resetAfter = Math.max(0, resetAt - time);
  return { allowed: true, remaining: remaining + left, resetAfter, retryAfter: 0 };
}

function isSame(one: Limit, other: Limit): boolean {
  if (one === other) return true;
  if (one.algorithm !== other.algorithm || one.capacity !== other.capacity) return false;
  return one.algorithm === 'bucket'
    ? other.algorithm === 'bucket' && one.refill === other.refill && one.period === other.period
    : other.algorithm !== 'bucket' && one.window === other.window;
}

function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}
