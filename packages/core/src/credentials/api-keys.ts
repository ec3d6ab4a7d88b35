import { assertConfiguration } from '../configuration-error.ts';
import {
  isEnvironment,
  isId,
  isPrefix,
  makeKey,
  patternOf,
  randomId,
} from '../internal/api-key-format.ts';
import { areCosts, checkTerms, holderProblem, isCount, isText } from '../internal/api-key-terms.ts';
import { apiKeyVerifier } from '../internal/api-key-verifier.ts';
import type { MaybePromise } from '../internal/maybe-promise.ts';
import { type PepperedHash, type Peppers, pepperedHash } from '../internal/peppered-hash.ts';
import type {
  ApiKeyLimit,
  ApiKeyOwner,
  ApiKeyRecord,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyTerms,
  QuotaVerdict,
} from '../stores/api-key-store.ts';

export type { Peppers } from '../internal/peppered-hash.ts';

/** Options of {@link apiKeys}. */
export interface ApiKeysOptions {
  /** The beginning of every key, so that people and leak scanners know whose it is: `acme`. */
  readonly prefix: string;
  /** The second part of every key: `live`, `test`. Keys of another environment are refused unread. */
  readonly environment: string;
  readonly store: ApiKeyStore;
  /** What stored hashes are keyed with; from a secret manager, never from the database of the keys. */
  readonly peppers: Peppers;
  /**
   * How long a revoked, disabled, rotated or changed key may still be taken as it was, in milliseconds; on
   * the instance that made the change it ends at once. Also how long known keys go on while the store is
   * down. 0 asks the store for every call. Default: 30,000.
   */
  readonly maxRevocationDelay?: number | undefined;
  /** How many verified keys are remembered, and as many refused ones. Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** How many bytes of verified keys are remembered, estimated. Default: 32 MiB. */
  readonly maxBytes?: number | undefined;
  /** The least time between two notes of when a key was last used, in milliseconds. Default: 60,000. */
  readonly lastUsedInterval?: number | undefined;
  /** How long to wait for the store to verify a key, in milliseconds. Default: 2,000. */
  readonly storeTimeout?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Told of work that goes on after the answer (last use, new hash), for runtimes that stop when the
   * response is out: `(work) => context.waitUntil(work)`. It never rejects.
   */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
  /** Told what such work threw. Nobody waits for it, so nobody else learns of it. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** A key that was presented and is good, as policies and handlers see it. Frozen; holds no secret. */
export interface VerifiedApiKey {
  readonly id: string;
  readonly environment: string;
  readonly name: string;
  readonly owner: ApiKeyOwner;
  readonly tenant: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, ApiKeyLimit>>;
  readonly quotas: Readonly<Record<string, ApiKeyLimit>>;
  readonly allowedPeers: readonly string[] | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** `previous`: the caller still uses the secret from before the last rotation. */
  readonly secret: 'current' | 'previous';
}

/** Why a presented key is refused. */
export type ApiKeyRefusalCode =
  | 'api_key.malformed'
  | 'api_key.wrong_environment'
  | 'api_key.unknown'
  | 'api_key.disabled'
  | 'api_key.revoked'
  | 'api_key.expired'
  | 'api_key.rotated'
  | 'api_key.store_unavailable';

/** What {@link ApiKeys.verify} answers; shared between calls, so frozen. */
export type ApiKeyVerification =
  | { readonly ok: true; readonly key: VerifiedApiKey }
  | {
      readonly ok: false;
      readonly code: ApiKeyRefusalCode;
      /** Which key it was, for the audit trail; known only where the secret was the right one. */
      readonly id?: string | undefined;
      /** What the store threw, for logs only. */
      readonly cause?: unknown;
    };

/** A key as its managers see it. */
export interface ApiKeyInfo
  extends Omit<ApiKeyRecord, 'namespace' | 'secret' | 'previous' | 'version'> {
  readonly environment: string;
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

/** Whose keys are meant. With a `tenant`, a key of another one is `not_found`. */
export interface ApiKeyScope {
  readonly tenant?: string | undefined;
}

/** Options of {@link ApiKeys.rotate}. */
export interface RotateOptions extends ApiKeyScope {
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

/** Issues, verifies and manages API keys; see {@link apiKeys}. */
export interface ApiKeys {
  readonly prefix: string;
  readonly environment: string;
  /** The source of a regular expression that finds these keys in text, for leak scanners. */
  readonly pattern: string;
  /** Makes a key. */
  readonly issue: (key: NewApiKey) => Promise<ApiKeyIssue>;
  /** Tells whether a presented key is good; at once where that is known, and it never throws or rejects. */
  readonly verify: (presented: string) => MaybePromise<ApiKeyVerification>;
  /**
   * Gives a key a new secret. Of any number of rotations at once exactly one wins, as long as they have an
   * overlap or name a `generation`. With `overlapMs: 0` a running overlap ends as well.
   */
  readonly rotate: (id: string, options: RotateOptions) => Promise<ApiKeyIssue>;
  /** Ends the overlap of the last rotation now: its `previous.lastUsedAt` tells when that is safe. */
  readonly endOverlap: (id: string, scope?: ApiKeyScope) => Promise<ApiKeyChange>;
  /** Changes the terms that are named; `undefined` takes one away. */
  readonly update: (
    id: string,
    terms: Partial<ApiKeyTerms>,
    scope?: ApiKeyScope,
  ) => Promise<ApiKeyChange>;
  readonly enable: (id: string, scope?: ApiKeyScope) => Promise<ApiKeyChange>;
  readonly disable: (
    id: string,
    options?: ApiKeyScope & { readonly reason?: string },
  ) => Promise<ApiKeyChange>;
  /** Ends a key for good. The row is kept. */
  readonly revoke: (
    id: string,
    options?: ApiKeyScope & { readonly reason?: string },
  ) => Promise<ApiKeyChange>;
  readonly get: (id: string, scope?: ApiKeyScope) => Promise<ApiKeyInfo | undefined>;
  /** In the order of ids, in pages. */
  readonly list: (
    options: ListOptions,
  ) => Promise<{ readonly keys: readonly ApiKeyInfo[]; readonly next: string | undefined }>;
  /**
   * Counts costs by name against the key's quotas: all of them, or none if one lacks room. A name for which
   * the key has no quota costs nothing. Throws or rejects when the store fails, and for a cost that is no
   * whole number.
   */
  readonly consumeQuota: (
    key: Pick<VerifiedApiKey, 'id' | 'quotas'>,
    costs: Readonly<Record<string, number>>,
  ) => MaybePromise<QuotaVerdict>;
}

const NOT_FOUND: ApiKeyProblem = Object.freeze({ ok: false, reason: 'not_found' });
const REVOKED: ApiKeyProblem = Object.freeze({ ok: false, reason: 'revoked' });
const CONFLICT: ApiKeyProblem = Object.freeze({ ok: false, reason: 'conflict' });
const NO_COST: QuotaVerdict = Object.freeze({ ok: true, remaining: Object.freeze({}) });

/** How often a change is tried again when another came in between. */
const ATTEMPTS = 16;
const MAX_REASON = 512;
const MAX_PAGE = 1_000;
/** A year: an overlap that never ends is no rotation. */
const MAX_OVERLAP = 31_536_000_000;

/**
 * API keys as a product: issues them, tells good ones from all others, rotates and revokes them. A key is
 * `prefix_environment_id_secret` with a checksum over all of it (see `parseApiKey`); the store holds
 * only an HMAC-SHA-256 of it under a pepper. A key that is not known costs the same work as one that is, and what is
 * wrong with a key (revoked, expired, …) is told only to whoever holds its secret.
 *
 * Peppers are rotated by adding a version and naming it `current`: keys move to it as they are used. A
 * version that is taken away ends the keys that were not moved.
 *
 * Verification answers `api_key.malformed`, `.wrong_environment`, `.unknown`, `.revoked`, `.expired`,
 * `.rotated`, `.disabled` or `.store_unavailable`. Management rejects with what the store throws.
 *
 * @throws ConfigurationError for a prefix, environment, pepper or bound that cannot hold.
 * @example
 * const keys = apiKeys({
 *   prefix: 'acme',
 *   environment: 'live',
 *   store: memoryApiKeyStore(),
 *   peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
 * });
 * const issued = await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
 */
export function apiKeys(options: ApiKeysOptions): ApiKeys {
  const { prefix, environment, store, peppers, now = Date.now } = options;
  assertConfiguration(
    isPrefix(prefix),
    'apiKeys: prefix must be 2 to 16 lower case letters and digits, beginning with a letter.',
  );
  assertConfiguration(
    isEnvironment(environment),
    'apiKeys: environment must be 1 to 12 lower case letters and digits, beginning with a letter.',
  );
  assertConfiguration(
    typeof store?.get === 'function' && typeof store.replace === 'function',
    'apiKeys: store must be an ApiKeyStore, for example memoryApiKeyStore().',
  );
  const bounds = checkBounds(options);
  const namespace = `${prefix}_${environment}`;
  const hash = pepperedHash(peppers, 'apiKeys');
  const currentPepper = peppers.current;
  const onFault = quietly(options.onFault);
  const waitUntil = quietly(options.waitUntil);
  const verifier = apiKeyVerifier({
    prefix,
    environment,
    store,
    hash,
    currentPepper,
    now,
    onFault,
    ...bounds,
    background: (task) => {
      // Begins in a microtask, so that the call that asked for it has its answer first.
      waitUntil(Promise.resolve().then(task).then(nothing, onFault));
    },
  });
  store.onChange?.(verifier.forget);

  const find = async (id: string, scope: ApiKeyScope): Promise<ApiKeyRecord | undefined> => {
    const record = isId(id) ? await store.get(id) : undefined;
    if (record?.namespace !== namespace) return undefined;
    return scope.tenant === undefined || scope.tenant === record.tenant ? record : undefined;
  };

  /** Replaces a record by what `edit` makes of it; again when another change came in between. */
  const change = async (
    id: string,
    scope: ApiKeyScope,
    edit: (record: ApiKeyRecord) => ApiKeyRecord | ApiKeyProblem,
  ): Promise<ApiKeyChange> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const record = await find(id, scope);
      if (record === undefined) return NOT_FOUND;
      const next = edit(record);
      if ('ok' in next) return next;
      const changed = { ...next, updatedAt: now() };
      if (await store.replace(changed)) {
        verifier.forget(id);
        return { ok: true, info: infoOf(changed, environment) };
      }
    }
    return CONFLICT;
  };

  const setStatus = (
    id: string,
    status: ApiKeyStatus,
    { reason, ...scope }: ApiKeyScope & { readonly reason?: string } = {},
  ): Promise<ApiKeyChange> => {
    if (reason !== undefined && !isText(reason, MAX_REASON)) {
      return Promise.resolve(invalid(`reason must be 1 to ${MAX_REASON} characters`));
    }
    return change(id, scope, (record) =>
      record.status === 'revoked' ? REVOKED : { ...record, status, reason },
    );
  };

  return Object.freeze({
    prefix,
    environment,
    pattern: patternOf(prefix, environment),
    verify: verifier.verify,
    issue: async ({ owner, tenant, ...terms }: NewApiKey) => {
      const checked = checkTerms(terms);
      if (!checked.ok) return invalid(checked.problem);
      const problem = holderProblem(owner, tenant);
      if (problem !== undefined) return invalid(problem);
      const at = now();
      const id = randomId();
      const key = makeKey({ prefix, environment, id });
      const record: ApiKeyRecord = {
        ...checked.terms,
        id,
        namespace,
        tenant,
        owner: { type: owner.type, id: owner.id },
        secret: await secretOf(hash, key, currentPepper),
        generation: 0,
        status: 'enabled',
        createdAt: at,
        updatedAt: at,
        version: 0,
      };
      const added = await store.insert(record);
      return added ? { ok: true, key, info: infoOf(record, environment) } : CONFLICT;
    },
    rotate: async (id, { overlapMs, generation: wanted, ...scope }) => {
      if (!isCount(overlapMs, MAX_OVERLAP)) {
        return invalid('overlapMs must be whole milliseconds, at most a year');
      }
      if (!isId(id)) return NOT_FOUND;
      const key = makeKey({ prefix, environment, id });
      const secret = await secretOf(hash, key, currentPepper);
      let generation = wanted;
      const changed = await change(id, scope, (record) => {
        const at = now();
        if (record.status === 'revoked') return REVOKED;
        generation ??= record.generation;
        const overlapping = record.previous !== undefined && at < record.previous.until;
        if (record.generation !== generation || (overlapping && overlapMs > 0)) return CONFLICT;
        const previous = { ...record.secret, until: at + overlapMs };
        return { ...record, secret, previous, generation: generation + 1 };
      });
      return changed.ok ? { ...changed, key } : changed;
    },
    endOverlap: (id, scope = {}) =>
      change(id, scope, (record) => {
        if (record.previous === undefined) return record;
        const until = Math.min(record.previous.until, now());
        return { ...record, previous: { ...record.previous, until } };
      }),
    update: (id, terms, scope = {}) =>
      change(id, scope, (record) => {
        if (record.status === 'revoked') return REVOKED;
        const checked = checkTerms({ ...record, ...terms });
        return checked.ok ? { ...record, ...checked.terms } : invalid(checked.problem);
      }),
    enable: (id, scope) => setStatus(id, 'enabled', scope),
    disable: (id, options) => setStatus(id, 'disabled', options),
    revoke: (id, options) => setStatus(id, 'revoked', options),
    get: async (id, scope = {}) => {
      const record = await find(id, scope);
      return record && infoOf(record, environment);
    },
    list: async ({ tenant, owner, after, limit = 100 }) => {
      const size = isCount(limit, MAX_PAGE) && limit > 0 ? limit : MAX_PAGE;
      const page = await store.list({ namespace, tenant, owner, after, limit: size });
      const keys = page.map((record) => infoOf(record, environment));
      return { keys, next: keys.length < size ? undefined : keys.at(-1)?.id };
    },
    consumeQuota: (key, costs) => {
      if (!areCosts(costs)) throw new RangeError('apiKeys: costs must be whole numbers by name.');
      const charges = Object.entries(costs).flatMap(([name, cost]) => {
        const quota = Object.hasOwn(key.quotas, name) ? key.quotas[name] : undefined;
        return quota === undefined || cost === 0 ? [] : [{ ...quota, name, cost }];
      });
      return charges.length === 0 ? NO_COST : store.consume(key.id, charges, now());
    },
  } satisfies ApiKeys);
}

/** The numbers among the options, held to what makes sense. */
function checkBounds({
  store,
  maxRevocationDelay = 30_000,
  maxEntries = 10_000,
  maxBytes = 33_554_432,
  lastUsedInterval = 60_000,
  storeTimeout = 2_000,
}: ApiKeysOptions) {
  const staleness = store.maxStaleness ?? 0;
  const whole = { maxRevocationDelay, maxEntries, maxBytes, lastUsedInterval, storeTimeout };
  for (const [name, value] of Object.entries(whole)) {
    assertConfiguration(
      isCount(value, Number.MAX_SAFE_INTEGER),
      `apiKeys: ${name} must be a whole number.`,
    );
  }
  assertConfiguration(maxEntries >= 2, 'apiKeys: maxEntries must be at least 2.');
  assertConfiguration(
    storeTimeout > 0 && storeTimeout <= 0x7fff_ffff,
    'apiKeys: storeTimeout must be at least 1 and at most 2,147,483,647 ms.',
  );
  assertConfiguration(
    staleness <= maxRevocationDelay,
    `apiKeys: the store's answers may be ${staleness} ms old, so maxRevocationDelay cannot be ` +
      `${maxRevocationDelay} ms.`,
  );
  const cache = { maxEntries, maxBytes };
  return { lifetime: maxRevocationDelay - staleness, cache, lastUsedInterval, storeTimeout };
}

async function secretOf(
  hash: PepperedHash,
  key: string,
  pepper: string,
): Promise<ApiKeyRecord['secret']> {
  // The current pepper is one of those that every text is hashed with.
  return { hash: (await hash(key)).get(pepper) as string, pepper };
}

function infoOf(record: ApiKeyRecord, environment: string): ApiKeyInfo {
  const { namespace: _, secret: __, version: ___, previous, ...rest } = record;
  return {
    ...rest,
    environment,
    previous: previous && { until: previous.until, lastUsedAt: previous.lastUsedAt },
  };
}

function invalid(problem: string): ApiKeyProblem {
  return { ok: false, reason: 'invalid', problem };
}

function nothing(): void {}

/** A callback of the user's that may throw without anybody noticing. */
function quietly<T>(callback: ((value: T) => void) | undefined): (value: T) => void {
  return (value) => {
    try {
      callback?.(value);
    } catch {
      // There is nobody left to tell.
    }
  };
}
