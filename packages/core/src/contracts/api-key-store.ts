import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Limit } from './limit-store.ts';

/** Whom a key belongs to. */
export interface ApiKeyOwner {
  readonly type: 'user' | 'organisation';
  readonly id: string;
}

/** So much in each window of time. Windows are aligned to the epoch: `86_400_000` is a day in UTC. */
export interface ApiKeyQuota {
  /** A whole number. */
  readonly limit: number;
  /** Whole milliseconds. */
  readonly window: number;
}

/** What a key that anybody may see is bound to: one of these places, and at least one is named. */
export interface PublishableTerms {
  /** Origins of pages, as browsers send them: `https://shop.example.com`. */
  readonly origins?: readonly string[] | undefined;
  /** Ids of apps, as `authenticateApiKey` reads them from `appHeader`. */
  readonly apps?: readonly string[] | undefined;
}

/** What the issuer of a key decides about it. */
export interface ApiKeyTerms {
  /** For people. At most 128 characters. */
  readonly name: string;
  /** Scope tokens (RFC 6749 §3.3). Default: none. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: none. */
  readonly roles?: readonly string[] | undefined;
  /** Epoch milliseconds; the key is good until just before. Default: it does not expire. */
  readonly expiresAt?: number | undefined;
  /**
   * Rates by name, as `tokenBucket` and the others make them: nothing by themselves, but what
   * `rateLimit({ limit: ({ apiKey }) => apiKey.limits.requests ?? standard, … })` goes by.
   */
  readonly limits?: Readonly<Record<string, Limit>> | undefined;
  /** Quotas by name, counted in the store by `consumeQuota` and `limitQuota`. */
  readonly quotas?: Readonly<Record<string, ApiKeyQuota>> | undefined;
  /** Addresses and networks (`192.0.2.0/24`, `2001:db8::/32`) the key may be used from. Default: any. */
  readonly allowedPeers?: readonly string[] | undefined;
  /**
   * Where a publishable key may be used from; only for keys of `apiKeys({ publishable: true, … })`, and needed there.
   */
  readonly publishable?: PublishableTerms | undefined;
  /** Plain JSON, at most 4,096 characters of it. Handlers see it, callers do not. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A secret as it is stored: a keyed hash of the whole key. */
export interface StoredSecret {
  /** HMAC-SHA-256, hexadecimal; or what another product stored of it, where `pepper` is empty. */
  readonly hash: string;
  /** The version of the pepper it was made with; empty for a hash that was imported. */
  readonly pepper: string;
}

/** The secret before the last rotation. */
export interface PreviousSecret extends StoredSecret {
  /** Good until just before; epoch milliseconds. */
  readonly until: number;
  /** When it was last seen, to the accuracy of {@link ApiKeyStore.touch}. */
  readonly lastUsedAt?: number | undefined;
}

/** `revoked` is for good; the row is kept, so that a stolen key is still recognised and audits stay whole. */
export type ApiKeyStatus = 'enabled' | 'disabled' | 'revoked';

/** One row. All times are epoch milliseconds. */
export interface ApiKeyRecord extends ApiKeyTerms {
  readonly id: string;
  /** `prefix_environment`: instances with different ones share a store and see only their own keys. */
  readonly namespace: string;
  readonly tenant?: string | undefined;
  readonly owner: ApiKeyOwner;
  readonly secret: StoredSecret;
  readonly previous?: PreviousSecret | undefined;
  /** When the secret was made, where that was not `createdAt`. */
  readonly secretMadeAt?: number | undefined;
  /** How often the secret was rotated. */
  readonly generation: number;
  readonly status: ApiKeyStatus;
  /** Why it is disabled or revoked. */
  readonly reason?: string | undefined;
  readonly createdAt: number;
  /** When the terms, the secret or the status last changed. */
  readonly updatedAt: number;
  readonly lastUsedAt?: number | undefined;
  /** Raised by one at each replacement. */
  readonly version: number;
}

/** Which rows to list. `tenant: undefined` means those that are bound to no tenant, never all. */
export interface ApiKeyQuery {
  readonly namespace: string;
  readonly tenant: string | undefined;
  readonly owner?: ApiKeyOwner | undefined;
  /** Only ids behind this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** One use to note. */
export interface ApiKeyUse {
  readonly id: string;
  readonly secret: 'current' | 'previous';
  readonly at: number;
  /** Nothing is written where the noted time is less than this many milliseconds before `at`. */
  readonly interval: number;
}

/** A quota and what it is called. */
export interface NamedQuota extends ApiKeyQuota {
  readonly name: string;
}

/** What is used of a quota. */
export interface QuotaUsage {
  readonly used: number;
  /** When its window ends, in epoch milliseconds. */
  readonly resetsAt: number;
}

/** What a call costs in one quota. */
export interface QuotaCharge extends NamedQuota {
  /** A whole number, not negative. */
  readonly cost: number;
}

/** Whether the charges were taken: all of them or none. */
export type QuotaVerdict =
  | { readonly ok: true; readonly remaining: Readonly<Record<string, number>> }
  | {
      readonly ok: false;
      /** The first quota without room. */
      readonly name: string;
      /** When its window ends, in epoch milliseconds; undefined where waiting is of no use. */
      readonly resetsAt?: number | undefined;
    };

/**
 * Where keys are kept. What is written by one call is seen by every later one; a store that answers from a
 * cache says so in `maxStaleness`. A fault is a rejection, never an answer. Implementations show that they
 * keep this contract with `apiKeyStoreContract` of `@apisec/core/testing`.
 */
export interface ApiKeyStore {
  /** Adds a row; false where the id is taken. */
  readonly insert: (record: ApiKeyRecord) => MaybePromise<boolean>;
  readonly get: (id: string) => MaybePromise<ApiKeyRecord | undefined>;
  /**
   * Puts `record` in place of the row with its id if that row's version is `record.version`, and raises the
   * version by one; false where it is another. Atomic: of any number at once exactly one succeeds.
   * `lastUsedAt` is left as it is in the store, and `previous.lastUsedAt` as long as `previous.hash` is
   * the same; after a rotation it begins empty.
   */
  readonly replace: (record: ApiKeyRecord) => MaybePromise<boolean>;
  /** In the order of ids. */
  readonly list: (query: ApiKeyQuery) => MaybePromise<readonly ApiKeyRecord[]>;
  /** Notes when a secret was used; sparingly, and never backwards. Unknown ids are ignored. */
  readonly touch: (use: ApiKeyUse) => MaybePromise<void>;
  /**
   * Counts charges against their limits in the windows of this moment: all of them, or none if one lacks room, and an
   * unknown id never has any. Atomic for each id. A window never goes back to the one before it; a window that lies
   * further ahead came from a clock that was wrong, and what was counted there counts now.
   *
   * `now` is the time of the caller, for stores within one process. One that nodes share goes by its own clock, since
   * theirs differ.
   */
  readonly consume: (
    id: string,
    charges: readonly QuotaCharge[],
    now: number,
  ) => MaybePromise<QuotaVerdict>;
  /** What is used of quotas at this moment, in their order; nothing is counted. An unknown id has used nothing. */
  readonly readUsage: (
    id: string,
    quotas: readonly NamedQuota[],
    now: number,
  ) => MaybePromise<readonly QuotaUsage[]>;
  /** Forgets what was used of the quotas with these names, or of all; false for an unknown id. */
  readonly resetUsage: (id: string, names: readonly string[] | undefined) => MaybePromise<boolean>;
  /**
   * How old what `get` answers may be, in milliseconds; not for a caller whose own `replace` was done or
   * denied just before. Default: 0.
   */
  readonly maxStaleness?: number | undefined;
  /** Calls `listener` with the id of each row that changes elsewhere, where the store can tell. */
  readonly onChange?: ((listener: (id: string) => void) => void) | undefined;
}
