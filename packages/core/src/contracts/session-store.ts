import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * A session of a browser. All times are epoch milliseconds. Nothing in it can be presented as a cookie: `id` is a hash,
 * and `tokens` is encrypted with a key that only the cookie yields.
 */
export interface SessionRecord {
  /** SHA-256 of what is in the cookie. */
  readonly id: string;
  /** Counts the writes of this session, from 1 on. */
  readonly version: number;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** The session at the issuer (`sid`), where it says so: logouts name it. */
  readonly sid?: string | undefined;
  /** What is known of the user, from the ID token. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Encrypted access, refresh and ID token. Another text means that they were renewed. */
  readonly tokens?: string | undefined;
  /** When it was proven who signs in. */
  readonly createdAt: number;
  readonly seenAt: number;
  /** When it ends unless it is used. */
  readonly idleUntil: number;
  /** When it ends, however it is used. */
  readonly expiresAt: number;
}

/**
 * Where sessions are kept. What is written by one call is seen by every later one. A session is gone from its
 * `idleUntil` or `expiresAt` on, whichever comes first. A store that cannot answer throws or rejects, in bounded time:
 * it never says that a session is gone then.
 *
 * `sessionStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface SessionStore {
  /** Adds a session; false where the id is taken. Throws or rejects where there is no room. */
  readonly create: (session: SessionRecord) => MaybePromise<boolean>;
  readonly read: (id: string) => MaybePromise<SessionRecord | undefined>;
  /**
   * Puts `next` in place of the session with its id if that is there and its version is `expected`; false
   * otherwise: what has ended is never written again. Atomic: of any number at once exactly one succeeds. Issuer,
   * subject and `sid` stay as they were created, and so does the last end (`expiresAt`): a process whose clock is
   * behind does not make a session last longer.
   */
  readonly replace: (expected: number, next: SessionRecord) => MaybePromise<boolean>;
  /** Ends a session; with `expected` only while its version is that. True where this call ended it. */
  readonly delete: (id: string, expected?: number) => MaybePromise<boolean>;
  /** Ends the sessions of a user, all but `except`; answers how many. */
  readonly deleteBySubject: (
    issuer: string,
    subject: string,
    except?: string,
  ) => MaybePromise<number>;
  /** Ends the sessions that came from one session at the issuer; answers how many. */
  readonly deleteBySid: (issuer: string, sid: string) => MaybePromise<number>;
  /**
   * Remembers for `ttlMs` milliseconds that what `key` names ended at `at`, whether or not it has sessions: one may be
   * about to begin. Of several instants the latest stands, and the longest time. Once it has resolved, no later
   * `endedAt` misses it. Throws or rejects where there is no room: it forgets nothing before its time.
   */
  readonly markEnded: (key: string, at: number, ttlMs: number) => MaybePromise<void>;
  /** The latest instant that is remembered for any of the keys; undefined where there is none. */
  readonly endedAt: (keys: readonly string[]) => MaybePromise<number | undefined>;
  /** The sessions of a user, the newest first. */
  readonly list: (issuer: string, subject: string) => MaybePromise<readonly SessionRecord[]>;
  /**
   * Takes the lease on a session for `ttlMs` milliseconds from now: its holder renews the tokens, and takes it
   * again while that lasts. True where `holder` has it now; false where another one has it, or there is no such
   * session. It ends by itself, and holding it gives no right to write: `replace` decides.
   */
  readonly acquireLease: (id: string, holder: string, ttlMs: number) => MaybePromise<boolean>;
  /** Gives the lease back, if `holder` has it. */
  readonly releaseLease: (id: string, holder: string) => MaybePromise<void>;
}
