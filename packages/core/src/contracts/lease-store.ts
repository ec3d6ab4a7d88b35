import type { MaybePromise } from '../lib/maybe-promise.ts';

/** A call that wants to run while at most `limit` of its kind do. */
export interface LeaseRequest {
  /** Which limit: leases are counted by `name` and `key`. */
  readonly name: string;
  /** Who is counted; the same kind of text as in `LimitRequest`. */
  readonly key: string;
  /** Leases that may be held at the same time. May differ from one call to the next. */
  readonly limit: number;
  /** Milliseconds after which the lease ends by itself, for calls whose process dies. */
  readonly ttl: number;
}

/** Whether a lease was given. */
export interface LeaseAnswer {
  readonly allowed: boolean;
  /** What to give back when the call ends: unique in the store, and there if `allowed`. */
  readonly lease?: string | undefined;
  /** Leases that could be given after this decision; never negative. */
  readonly remaining: number;
  /** Set where the answer is weaker than usual: why. */
  readonly degraded?: string | undefined;
}

/**
 * Where calls that run at the same time are counted, each decision in one atomic step on the store's own
 * clock (on Redis: one script over a sorted set). A denial changes nothing. A store that cannot answer
 * throws or rejects, in bounded time.
 *
 * `leaseStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface LeaseStore {
  readonly acquire: (request: LeaseRequest) => MaybePromise<LeaseAnswer>;
  /** Ends a lease. One that has ended already, or never was, is no fault. */
  readonly release: (request: LeaseRequest, lease: string) => MaybePromise<void>;
}

/** A store that answers at once. */
export interface SyncLeaseStore extends LeaseStore {
  readonly acquire: (request: LeaseRequest) => LeaseAnswer;
  readonly release: (request: LeaseRequest, lease: string) => void;
}
