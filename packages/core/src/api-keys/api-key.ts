import type {
  ApiKeyOwner,
  ApiKeyQuota,
  ApiKeyRecord,
  ApiKeyTerms,
  PublishableTerms,
  QuotaVerdict,
} from '../contracts/api-key-store.ts';
import type { Limit } from '../contracts/limit-store.ts';
import type { RecordOption } from '../contracts/record-act.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/** A key that was presented and is good, as policies and handlers see it. Frozen; holds no secret. */
export interface VerifiedApiKey {
  readonly id: string;
  readonly environment: string;
  readonly name: string;
  readonly owner: ApiKeyOwner;
  readonly tenant: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, Limit>>;
  readonly quotas: Readonly<Record<string, ApiKeyQuota>>;
  readonly allowedPeers: readonly string[] | undefined;
  /** Where a publishable key may be used from; undefined for a secret one. */
  readonly publishable: PublishableTerms | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** When its secret is overdue for rotation, in epoch milliseconds; undefined without `rotateAfter`. */
  readonly rotateBy: number | undefined;
  /** `previous`: the caller still uses the secret from before the last rotation. */
  readonly secret: 'current' | 'previous';
}

/** Why a presented key is denied. */
export type ApiKeyDenialCode =
  | 'api_key.malformed'
  | 'api_key.wrong_environment'
  | 'api_key.publishable'
  | 'api_key.unknown'
  | 'api_key.disabled'
  | 'api_key.revoked'
  | 'api_key.expired'
  | 'api_key.rotated'
  | 'api_key.overloaded'
  | 'api_key.store_unavailable';

/** What {@link ApiKeys.verify} answers; shared between calls, so frozen. */
export type ApiKeyVerification =
  | { readonly ok: true; readonly key: VerifiedApiKey }
  | {
      readonly ok: false;
      readonly code: ApiKeyDenialCode;
      /** Which key it was, for the audit trail; known only where the secret was the right one. */
      readonly id?: string | undefined;
      /** What the store threw, for logs only. */
      readonly cause?: unknown;
    };

/** A key as its managers see it. */
export interface ApiKeyInfo
  extends Omit<ApiKeyRecord, 'namespace' | 'secret' | 'previous' | 'version'> {
  readonly environment: string;
  /** When its secret is overdue for rotation; undefined without `rotateAfter`. */
  readonly rotateBy?: number | undefined;
  /** The secret before the last rotation: until when it is good, and when it was last seen. */
  readonly previous?:
    | { readonly until: number; readonly lastUsedAt: number | undefined }
    | undefined;
}

/** What a new key is made of. */
export interface NewApiKey extends ApiKeyTerms {
  readonly owner: ApiKeyOwner;
  /** The tenant that the key is bound to. Default: none. */
  readonly tenant?: string | undefined;
}

/** A key of another product, with what that product stored of it. */
export interface ImportedApiKey extends NewApiKey {
  /** What `imported.lookup` answers for the key: 1 to 256 characters. */
  readonly lookup: string;
  /** What `imported.verify` compares with: 1 to 1,024 characters. */
  readonly hash: string;
  /** When its secret was made, for `rotateAfter`. Default: now. */
  readonly secretMadeAt?: number | undefined;
}

/** Why a key was not changed. */
export interface ApiKeyProblem {
  readonly ok: false;
  /**
   * `conflict`: another change came first; for a rotation also that the overlap of the last one is still
   * running. `invalid`: see `problem`.
   */
  readonly reason: 'not_found' | 'revoked' | 'conflict' | 'invalid';
  readonly problem?: string | undefined;
}

/** The key after a change, or why there was none. */
export type ApiKeyChange = { readonly ok: true; readonly info: ApiKeyInfo } | ApiKeyProblem;

/** A new secret. `key` is the only copy there is: show it once. */
export type ApiKeyIssue =
  | { readonly ok: true; readonly key: string; readonly info: ApiKeyInfo }
  | ApiKeyProblem;

/**
 * Whose keys are meant. Where `tenant` is given, the keys of all others are `not_found`; given as `undefined`
 * it means the keys that are bound to no tenant, as in a list, and never those of all.
 */
export interface ApiKeyScope {
  readonly tenant?: string | undefined;
}

/** Options of what changes a key. */
export interface ApiKeyActOptions extends ApiKeyScope, RecordOption {}

/** Options of {@link ApiKeys.disable} and {@link ApiKeys.revoke}. */
export interface ApiKeyEndOptions extends ApiKeyActOptions {
  readonly reason?: string | undefined;
}

/** Options of {@link ApiKeys.rotate}. */
export interface RotateOptions extends ApiKeyActOptions {
  /** How long the old secret stays good, in milliseconds. 0 ends it at once, for a key that leaked. */
  readonly overlapMs: number;
  /** Rotate only if the key's generation is still this one, so that a repeated request does nothing. */
  readonly generation?: number | undefined;
}

/** Which keys to list. */
export interface ListOptions {
  /** `undefined` lists the keys that are bound to no tenant, never those of all. */
  readonly tenant: string | undefined;
  readonly owner?: ApiKeyOwner | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Issues, verifies and manages API keys, as `apiKeys` makes it. */
export interface ApiKeys {
  readonly prefix: string;
  readonly environment: string;
  /** True where anybody may see the keys. */
  readonly publishable: boolean;
  /** The source of a regular expression that finds these keys in text, for leak scanners. */
  readonly pattern: string;
  /**
   * Makes a key. A term that does not exist is `invalid`; an unknown option rejects, as for each of the functions
   * below.
   */
  readonly issue: (key: NewApiKey, options?: RecordOption) => Promise<ApiKeyIssue>;
  /**
   * Takes over a key of another product, as it is in its callers' hands: its hash is verified by `imported.verify`, and
   * replaced by one of our own when the key is first used. `conflict` where one with that `lookup` is there.
   */
  readonly import: (key: ImportedApiKey, options?: RecordOption) => Promise<ApiKeyChange>;
  /**
   * Tells whether a presented key is good; at once where that is known, and it never throws or rejects. `peer` is who
   * calls (`facts.peer.id`): no peer uses up more than a fifth of what may be read for unknown keys. `call` is the
   * request, whose host is kept alive for what goes on behind the answer.
   */
  readonly verify: (
    presented: string,
    peer?: string,
    call?: object,
  ) => MaybePromise<ApiKeyVerification>;
  /**
   * Gives a key a new secret. Of any number of rotations at once exactly one wins, as long as they have an
   * overlap or name a `generation`. With `overlapMs: 0` a running overlap ends as well.
   */
  readonly rotate: (id: string, options: RotateOptions) => Promise<ApiKeyIssue>;
  /** Ends the overlap of the last rotation now: its `previous.lastUsedAt` tells when that is safe. */
  readonly endOverlap: (id: string, options?: ApiKeyActOptions) => Promise<ApiKeyChange>;
  /** Changes the terms that are named; `undefined` takes one away. */
  readonly update: (
    id: string,
    terms: Partial<ApiKeyTerms>,
    options?: ApiKeyActOptions,
  ) => Promise<ApiKeyChange>;
  readonly enable: (id: string, options?: ApiKeyActOptions) => Promise<ApiKeyChange>;
  readonly disable: (id: string, options?: ApiKeyEndOptions) => Promise<ApiKeyChange>;
  /** Ends a key for good. The row is kept. */
  readonly revoke: (id: string, options?: ApiKeyEndOptions) => Promise<ApiKeyChange>;
  readonly get: (id: string, scope?: ApiKeyScope) => Promise<ApiKeyInfo | undefined>;
  /** In the order of ids, in pages. */
  readonly list: (
    options: ListOptions,
  ) => Promise<{ readonly keys: readonly ApiKeyInfo[]; readonly next: string | undefined }>;
  /**
   * Counts costs by name against the key's quotas: all of them, or none if one lacks room. A name for which
   * the key has no quota costs nothing. Throws or rejects when the store fails or does not answer in time (what
   * it counts afterwards stays counted), and for a cost that is no whole number.
   */
  readonly consumeQuota: (
    key: Pick<VerifiedApiKey, 'id' | 'quotas'>,
    costs: Readonly<Record<string, number>>,
  ) => MaybePromise<QuotaVerdict>;
  /**
   * What is left of each quota of a key, by name; nothing is spent. For support staff, and for callers who ask. Throws
   * or rejects when the store fails or does not answer in time.
   */
  readonly readQuotas: (key: {
    readonly id: string;
    readonly quotas?: Readonly<Record<string, ApiKeyQuota>> | undefined;
  }) => MaybePromise<Readonly<Record<string, QuotaBalance>>>;
  /** Forgets what a key has used of its quotas, for support staff who let one customer in again. */
  readonly resetQuotas: (
    id: string,
    options?: ResetQuotasOptions,
  ) => Promise<{ readonly ok: true } | ApiKeyProblem>;
}

/** What is left of a quota. */
export interface QuotaBalance {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** When its window ends, in epoch milliseconds. */
  readonly resetsAt: number;
}

/** Options of {@link ApiKeys.resetQuotas}. */
export interface ResetQuotasOptions extends ApiKeyActOptions {
  /** The names of the quotas to reset. Default: all that the key has ever used. */
  readonly quotas?: readonly string[] | undefined;
}
