import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * How long a key pauses after its n-th failure in a row, as plain data; all times in milliseconds:
 * nothing up to `free`, then `delay * 2 ** (n - free - 1)` up to `maxDelay`, and `lockFor` from
 * `lockAfter` on. `failurePause` computes it.
 */
export interface FailureRule {
  readonly free: number;
  readonly delay: number;
  readonly maxDelay: number;
  readonly lockAfter: number;
  readonly lockFor: number;
  /** A key is forgotten when its last failure is this long ago. At least as long as every pause. */
  readonly forgetAfter: number;
}

/** What one attempt asks of one key. */
export interface AttemptRequest {
  /** State is kept by `name` and `key`. */
  readonly name: string;
  /** Up to 8,192 UTF-16 code units of any kind. Keys that differ must stay different. */
  readonly key: string;
  readonly rule: FailureRule;
}

/** The answer to one attempt: counted against all its keys, or against none. */
export interface AttemptAnswer {
  readonly allowed: boolean;
  /** Milliseconds until every key has ended its pause, exactly; 0 where the attempt is allowed. */
  readonly retryAfterMs: number;
  /** One for each request of an allowed attempt, to be handed back when reconciling. */
  readonly tickets: readonly number[];
}

/** How an attempt that was counted came out. What failed needs no reconciling: it is counted already. */
export interface AttemptReconciliation extends AttemptRequest {
  readonly ticket: number;
  /** `reset`: the key starts from zero. `refund`: this attempt is as if it had never been made. */
  readonly result: 'reset' | 'refund';
}

/**
 * Counts attempts that may fail. Each is counted as a failure before it is made, so that of many at once
 * no more are made than of as many in a row. A store decides each call in one atomic step, by one clock.
 *
 * Of each key it knows the failures `n`, the time of the first one, and the times of at least the last four.
 * An attempt is allowed when the last failure is longer ago than the pause after the `n`-th, for all of its
 * keys; a denial changes nothing. Its ticket is its time. A refund takes the failure of that time back, unless
 * the key was reset since: pause and forgetting then count from the last failure that is left, or, where so
 * many were refunded that its time is not known any more, from the earliest time that is.
 *
 * A store that cannot answer throws or rejects, in bounded time. `counterStoreContract` of
 * `@apisec/core/testing` tests all of it.
 */
export interface CounterStore {
  /** Names within one call are distinct. */
  readonly attempt: (requests: readonly AttemptRequest[]) => MaybePromise<AttemptAnswer>;
  readonly reconcile: (reconciliations: readonly AttemptReconciliation[]) => MaybePromise<void>;
}

/** A store that answers at once. */
export interface SyncCounterStore extends CounterStore {
  readonly attempt: (requests: readonly AttemptRequest[]) => AttemptAnswer;
  readonly reconcile: (reconciliations: readonly AttemptReconciliation[]) => void;
}

/** For stores: the pause after so many failures in a row, in milliseconds. */
export function failurePause(rule: FailureRule, failures: number): number {
  if (failures >= rule.lockAfter) return rule.lockFor;
  if (failures <= rule.free) return 0;
  return Math.min(rule.maxDelay, rule.delay * 2 ** (failures - rule.free - 1));
}
