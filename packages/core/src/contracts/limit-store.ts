import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * A bucket that holds `capacity` units and gets `refill` units back in every `period`, continuously. Its
 * state is two numbers: what was used, and when that was so. In any interval of `t` milliseconds it admits
 * at most `capacity + t * refill / period` units.
 */
export interface BucketLimit {
  readonly algorithm: 'bucket';
  readonly capacity: number;
  readonly refill: number;
  /** Milliseconds. */
  readonly period: number;
}

/**
 * A count over windows that are aligned to the store's clock: window `n` begins at `n * window`.
 * `fixed_window` admits `capacity` units in each window, so at most twice that in any interval as long as
 * one. `sliding_window` also counts the window before, by the share of it that is less than `window` ago.
 */
export interface WindowLimit {
  readonly algorithm: 'fixed_window' | 'sliding_window';
  readonly capacity: number;
  /** Milliseconds, a whole number. */
  readonly window: number;
}

/** A limit as plain data, as the factories in `limits/` make it. Stores may keep and send it as it is. */
export type Limit = BucketLimit | WindowLimit;

/** What one call asks of one limit. */
export interface LimitRequest {
  /**
   * Which limit: state is kept by `name`, `algorithm`, `window` or rate (`refill / period`), and `key`. Limits that
   * recover at different speeds are counted apart, or a generous one would let a strict one recover.
   */
  readonly name: string;
  /**
   * Who is counted. Up to 8,192 UTF-16 code units of any kind: separators, braces, NUL, lone surrogates. Keys
   * that differ must stay different.
   */
  readonly key: string;
  /**
   * May differ from one call to the next (tiers, changed limits): where only the capacity does, what was used stays
   * used.
   */
  readonly limit: Limit;
  /** Units to take, finite and not negative. 0 asks without taking. */
  readonly cost: number;
}

/** What one limit says. All times in milliseconds. */
export interface LimitVerdict {
  /** This limit has room for the cost. Nothing was taken unless all limits of the call have. */
  readonly allowed: boolean;
  /** Units left after this decision, not rounded; never negative. */
  readonly remaining: number;
  /** Until nothing is used any more, if nobody takes anything. */
  readonly resetAfterMs: number;
  /**
   * Until this cost would fit, if nobody else takes anything: then it does, and one millisecond earlier it
   * does not. 0 where it fits now; `Infinity` where the cost is above the capacity.
   */
  readonly retryAfterMs: number;
}

/** The answer to one call: taken from all its limits, or from none. */
export interface LimitAnswer {
  readonly allowed: boolean;
  /** The store's time of the decision; to be handed back when reconciling. */
  readonly at: number;
  /** One for each request, in the same order. */
  readonly verdicts: readonly LimitVerdict[];
  /** Set where the answer is weaker than usual (a local share, a lease): why. */
  readonly degraded?: string | undefined;
}

/** What a call really cost, once that is known. `cost` is what was taken for it. */
export interface Reconciliation extends LimitRequest {
  readonly actual: number;
  /** {@link LimitAnswer.at} of the answer that took `cost`. */
  readonly at: number;
}

/**
 * Where limits are counted. A store has one clock of its own and decides each call in one atomic step (on
 * Redis: one script, with the time of Redis).
 *
 * - All or nothing: unless every limit of the call has room, none is charged.
 * - A denial changes nothing, so a caller who waits for `retryAfterMs` gets in.
 * - A clock that is set back admits nobody twice and locks nobody out for longer than the limit's own time
 *   to recover.
 * - A store that cannot answer throws or rejects, in bounded time; it never guesses. What it took all the same, for
 *   a call that nobody answered, it gives back as soon as it learns of it.
 *
 * `limitStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface LimitStore {
  /** Names within one call are distinct. */
  readonly consume: (requests: readonly LimitRequest[]) => MaybePromise<LimitAnswer>;
  /**
   * Charges or gives back the difference between `actual` and `cost`. A charge may take a limit below zero, by one
   * capacity at most: what is beyond is not charged. A bucket gives back what has not flowed back since; a window gives
   * back only what still counts.
   */
  readonly reconcile: (reconciliations: readonly Reconciliation[]) => MaybePromise<void>;
}

/** A store that answers at once. Policies on it need no promise and can guard GraphQL fields. */
export interface SyncLimitStore extends LimitStore {
  readonly consume: (requests: readonly LimitRequest[]) => LimitAnswer;
  readonly reconcile: (reconciliations: readonly Reconciliation[]) => void;
}

/** Ten years, in milliseconds. */
export const LONGEST_SPAN = 315_576_000_000;

const MOST = 1e15;

/** True for a limit that can be counted, wherever it came from. */
export function isLimit(limit: unknown): limit is Limit {
  if (typeof limit !== 'object' || limit === null) return false;
  // Every member is looked at before it is used.
  const { algorithm, capacity, refill, period, window } = limit as Partial<BucketLimit> &
    Partial<Pick<WindowLimit, 'window'>> & { readonly algorithm?: unknown };
  if (!isPositive(capacity)) return false;
  if (algorithm === 'bucket') {
    return isPositive(refill) && isPositive(period) && (capacity * period) / refill <= LONGEST_SPAN;
  }
  const isWindow = algorithm === 'fixed_window' || algorithm === 'sliding_window';
  return isWindow && isPositive(window) && window <= LONGEST_SPAN;
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MOST;
}
