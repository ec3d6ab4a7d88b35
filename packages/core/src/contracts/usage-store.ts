/**
 * What one process counted under one name in one window, from its beginning: a newer one takes the place of an older
 * one, so that writing it twice changes nothing.
 */
export interface UsageRollup {
  readonly window: 'minute' | 'hour' | 'day';
  /** When the window began, in epoch milliseconds. */
  readonly began: number;
  /** `operation`, `apiVersion`, `apiKey`, `client` or `tenant`. */
  readonly dimension: string;
  readonly name: string;
  /** Never shrinks while a process counts. */
  readonly calls: number;
  readonly error: number;
  readonly denied: number;
  readonly failed: number;
  /** Distinct callers and latencies, as sketches that can be merged; bytes that the store does not read. */
  readonly callers: Uint8Array;
  readonly latency: Uint8Array;
}

/** Which roll-ups are read: of windows that began at `from` or later, and before `to` (epoch milliseconds). */
export interface UsageQuery {
  readonly dimension: string;
  readonly window: UsageRollup['window'];
  readonly from: number;
  readonly to: number;
}

/**
 * Roll-ups of usage of any number of writers.
 *
 * - A roll-up is kept by writer, window, beginning, dimension and name; one that has fewer calls than what is kept is
 *   older and changes nothing, so roll-ups may come twice and out of order.
 * - `write` is all or nothing.
 * - `read` answers those of all writers, in the order in which their windows began. It rejects with a `RangeError`
 *   rather than leave some out.
 * - A store that cannot answer rejects, in bounded time.
 *
 * `usageStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface UsageStore {
  readonly write: (writer: string, rollups: readonly UsageRollup[]) => Promise<void>;
  readonly read: (query: UsageQuery) => Promise<readonly UsageRollup[]>;
}
