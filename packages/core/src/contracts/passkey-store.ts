import type { MaybePromise } from '../lib/maybe-promise.ts';

/** A passkey, as it is stored. Nothing in it is secret. All times are epoch milliseconds. */
export interface PasskeyRecord {
  /** The credential id, in base64url. */
  readonly id: string;
  readonly subject: string;
  /** What authenticators know the account by, in base64url: random, the same for all passkeys of an account. */
  readonly userHandle: string;
  /** The COSE key, in base64url. */
  readonly publicKey: string;
  /** The highest count that was signed; 0 for passkeys that do not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** The model of the authenticator, as it says itself. */
  readonly aaguid: string;
  /** Whether it can be copied to other devices, and is. */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  /** What its user calls it. */
  readonly label: string;
  readonly createdAt: number;
  readonly lastUsedAt?: number | undefined;
}

/** One use of a passkey, that was verified. */
export interface PasskeyUse {
  readonly counter: number;
  readonly backedUp: boolean;
  readonly at: number;
}

/**
 * Keeps passkeys. What is written by one call is seen by every later one. A store that cannot answer throws or rejects,
 * in bounded time. `passkeyStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface PasskeyStore {
  /** Adds a passkey; false where the id is taken, also by another account. */
  readonly insert: (passkey: PasskeyRecord) => MaybePromise<boolean>;
  readonly get: (id: string) => MaybePromise<PasskeyRecord | undefined>;
  /** The passkeys of an account, the oldest first. */
  readonly list: (subject: string) => MaybePromise<readonly PasskeyRecord[]>;
  /**
   * Writes a use down if its count is above the stored one, or both are 0; false otherwise, and where there is no such
   * passkey. Atomic: of many with the same count above 0 exactly one gets true.
   */
  readonly use: (id: string, use: PasskeyUse) => MaybePromise<boolean>;
  /** False where the account has no such passkey. */
  readonly rename: (subject: string, id: string, label: string) => MaybePromise<boolean>;
  readonly remove: (subject: string, id: string) => MaybePromise<boolean>;
  /** Removes all passkeys of an account; answers how many. */
  readonly removeBySubject: (subject: string) => MaybePromise<number>;
}
