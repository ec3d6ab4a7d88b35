import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * All refresh tokens that came from one authorisation, one after the other, as one row. All times are epoch
 * milliseconds. Holds hashes only: nothing in it can be presented as a token.
 */
export interface RefreshTokenFamily {
  /** Hash of what all tokens of the family have in common. */
  readonly id: string;
  /** Hash of the one token that is good. */
  readonly current: string;
  /**
   * Hash of the token before it, and when that was used. `successor` is the current token, encrypted with a key that
   * only the token before it yields: for a client that lost the answer.
   */
  readonly previous?:
    | { readonly hash: string; readonly usedAt: number; readonly successor?: string | undefined }
    | undefined;
  /** How many tokens came before the current one. */
  readonly generation: number;
  readonly subject: string;
  readonly clientId: string;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly tenant?: string | undefined;
  /** The `sid` of its access tokens. */
  readonly session: string;
  /** Thumbprint of the DPoP key that the tokens are bound to. */
  readonly jkt?: string | undefined;
  /** Further claims of its access tokens. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly startedAt: number;
  /** When the current token ends unless it is used. */
  readonly idleUntil: number;
  /** When the family ends, however it is used. */
  readonly expiresAt: number;
  /** Why it ended before that. */
  readonly ended?: 'reused' | 'revoked' | undefined;
}

/**
 * Where families of refresh tokens are kept, until they expire; ended ones too, so that a stolen token is still
 * recognised. What is written by one call is seen by every later one. A store that cannot answer throws or
 * rejects, in bounded time.
 *
 * `refreshTokenStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface RefreshTokenStore {
  /** Adds a family; false where the id is taken. Throws or rejects where there is no room. */
  readonly insert: (family: RefreshTokenFamily) => MaybePromise<boolean>;
  readonly get: (id: string) => MaybePromise<RefreshTokenFamily | undefined>;
  /**
   * Puts `next` in place of the row with its id if that row has not ended and its `current` is `expected`; false
   * otherwise. Atomic: of any number at once exactly one succeeds.
   */
  readonly replace: (expected: string, next: RefreshTokenFamily) => MaybePromise<boolean>;
  /** Ends a family; one that has ended, or is unknown, stays as it is. True where this call ended it. */
  readonly end: (id: string, why: 'reused' | 'revoked') => MaybePromise<boolean>;
  /** Ends every family of a subject; answers how many. */
  readonly endSubject: (subject: string) => MaybePromise<number>;
}
