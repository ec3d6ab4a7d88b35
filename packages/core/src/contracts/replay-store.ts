import { inTime } from '../lib/in-time.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * Remembers what may be used once: proofs, nonces, message ids. Policies hand over short keys (hashes), so
 * a store bounds its memory by their number.
 *
 * `replayStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface ReplayStore {
  /**
   * Takes note of `key` for `ttl` milliseconds: true if it was not there, in one atomic step, so that of
   * many equal calls exactly one gets true (on Redis: `SET key 1 NX PX ttl`). A key that is there keeps
   * its time. A store that cannot answer, or has no room, throws or rejects, in bounded time: it never
   * forgets a key early.
   */
  readonly putIfAbsent: (key: string, ttl: number) => MaybePromise<boolean>;
}

/** A store that answers at once. */
export interface SyncReplayStore extends ReplayStore {
  readonly putIfAbsent: (key: string, ttl: number) => boolean;
}

/** By how much the clock of a replay store may run ahead in the lifetime of what it remembers. */
const STORE_CLOCK_SLACK = 2_000;

/**
 * For how long a replay store must remember what can be used until `end`; undefined where that has passed.
 * Ask right before the store is asked: verifying takes time, and what is used after its end is not remembered
 * any more. All in milliseconds.
 */
export function replayTtl(end: number, at: number, storeTimeout: number): number | undefined {
  const rest = end - at;
  return rest > 0 ? rest + storeTimeout + STORE_CLOCK_SLACK : undefined;
}

/** Takes note of a key; true for exactly one of many that do. Rejects where the store fails, or takes longer. */
export async function isFirstUse(
  store: ReplayStore,
  key: string,
  ttl: number,
  timeoutMs: number,
): Promise<boolean> {
  const first: unknown = await inTime(() => store.putIfAbsent(key, ttl), timeoutMs);
  if (typeof first !== 'boolean')
    throw new TypeError('The replay store answered neither true nor false.');
  return first;
}
