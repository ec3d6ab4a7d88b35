import type { MaybePromise } from '../lib/maybe-promise.ts';

/** One entry: what is revoked, and for how long that must be known. */
export interface RevocationEntry {
  /** What credentials are known by, as `revocations` makes it. Keys that differ stay different. */
  readonly key: string;
  /**
   * Revokes what was issued before this moment (epoch milliseconds), and leaves later credentials alone.
   * Without it everything with this key is revoked, whenever it was issued.
   */
  readonly issuedBefore?: number | undefined;
  /** Milliseconds, above 0; may be `Infinity`. At least as long as what is revoked would live. */
  readonly ttl: number;
}

/**
 * Remembers what was revoked before its time.
 *
 * - An entry is never forgotten before its `ttl` has passed, whatever else is added: a store without room
 *   throws or rejects from `revoke`.
 * - Entries with one key add up: the latest `issuedBefore` and the longest time stand, and an entry with
 *   `issuedBefore` neither shortens nor lengthens one without.
 * - Once `revoke` has resolved, no later `isRevoked` misses it; a store that answers from a cache says how
 *   late it may be.
 * - A store that cannot answer throws or rejects, in bounded time; it never guesses.
 *
 * `revocationStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface RevocationStore {
  readonly revoke: (entry: RevocationEntry) => MaybePromise<void>;
  /** Forgets what is revoked outright. What was revoked by its time of issue stays so. */
  readonly lift: (key: string) => MaybePromise<void>;
  /**
   * Whether any of the keys is revoked for a credential that was issued at `issuedAt` (epoch milliseconds;
   * `-Infinity` where nobody knows, which is before everything). One look-up however many keys.
   */
  readonly isRevoked: (keys: readonly string[], issuedAt: number) => MaybePromise<boolean>;
}

/** A store that answers at once. */
export interface SyncRevocationStore extends RevocationStore {
  readonly revoke: (entry: RevocationEntry) => void;
  readonly lift: (key: string) => void;
  readonly isRevoked: (keys: readonly string[], issuedAt: number) => boolean;
}
