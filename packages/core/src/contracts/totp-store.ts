import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { SealedText } from '../lib/sealing.ts';
import type { StoredSecret } from './api-key-store.ts';

/** The second factor of one account, as it is stored. */
export interface TotpRecord {
  readonly account: string;
  /** Encrypted; a reader of the store cannot make codes. */
  readonly secret: SealedText;
  readonly algorithm: 'SHA-1' | 'SHA-256' | 'SHA-512';
  readonly digits: number;
  /** Seconds for which a code is shown. */
  readonly period: number;
  /** False until the first code was right. */
  readonly confirmed: boolean;
  /** The last step whose code was taken, -1 before the first; codes of it and of earlier steps are used up. */
  readonly lastStep: number;
  /** Wrong codes since the last right one. */
  readonly failures: number;
  /** Epoch milliseconds; 0 where it is not locked. */
  readonly lockedUntil: number;
  /** Keyed hashes of the codes that are left. */
  readonly backupCodes: readonly StoredSecret[];
  /** Another one after each change, and never the same again. */
  readonly version: string;
}

/**
 * Keeps second factors. `totpStoreContract` of `@apisec/core/testing` tests all of it. A store that cannot
 * answer throws or rejects.
 */
export interface TotpStore {
  readonly get: (account: string) => MaybePromise<TotpRecord | undefined>;
  /** Adds a record where the account has none; false where it has one. */
  readonly insert: (record: TotpRecord) => MaybePromise<boolean>;
  /**
   * Puts a record in the place of the one with version `expected`; false where that is not the stored one any
   * more. One atomic step: of many at once exactly one gets true.
   */
  readonly replace: (record: TotpRecord, expected: string) => MaybePromise<boolean>;
  /** Forgets an account; false where there was none. */
  readonly remove: (account: string) => MaybePromise<boolean>;
  /**
   * Epoch milliseconds on a clock that all processes share, where the store has one: codes and locks go by it. Without
   * it they go by the clock of each process.
   */
  readonly now?: (() => MaybePromise<number>) | undefined;
}
