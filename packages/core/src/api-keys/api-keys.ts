import type { ApiKeyRecord, ApiKeyStatus, ApiKeyStore } from '../contracts/api-key-store.ts';
import {
  type AuditAct,
  assertRecord,
  type BuiltinAct,
  type RecordOption,
  recordAct,
} from '../contracts/record-act.ts';
import { type Peppers, pepperedHash } from '../crypto/peppered-hash.ts';
import { backgroundWork } from '../lib/background-work.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type {
  ApiKeyChange,
  ApiKeyEndOptions,
  ApiKeyIssue,
  ApiKeyProblem,
  ApiKeys,
  ImportedApiKey,
  NewApiKey,
  VerifiedApiKey,
} from './api-key.ts';
import {
  importedId,
  isEnvironment,
  isId,
  isPrefix,
  makeKey,
  patternOf,
  randomId,
} from './api-key-format.ts';
import { IMPORTED } from './api-key-judgement.ts';
import {
  apiKeyRecords,
  CONFLICT,
  infoOf,
  invalid,
  NOT_FOUND,
  quotaConsumer,
  quotaReader,
  REVOKED,
} from './api-key-records.ts';
import {
  checkTerms,
  holderProblem,
  isCount,
  isIdentifier,
  isNames,
  isText,
  TERMS,
  unknownTerm,
} from './api-key-terms.ts';
import { apiKeyVerifier, type ImportedKeys } from './api-key-verifier.ts';

export type { ImportedKeys, Peppers };

/** Options of {@link apiKeys}. */
export interface ApiKeysOptions extends RecordOption {
  /** The beginning of every key, so that people and leak scanners know whose it is: `acme`. */
  readonly prefix: string;
  /** The second part of every key: `live`, `test`. Keys of another environment are denied unread. */
  readonly environment: string;
  readonly store: ApiKeyStore;
  /** What stored hashes are keyed with; from a secret manager, never from the database of the keys. */
  readonly peppers: Peppers;
  /**
   * Makes keys that anybody may see, in pages and apps: their `prefix` ends in `pk`, each is bound to origins or apps,
   * and policies take them only with `allowPublishable`. They tell who pays, not who calls. Default: false.
   */
  readonly publishable?: boolean | undefined;
  /**
   * How old a secret may become before it should be rotated: `rotateBy` of the key tells, and `onOverdue`. It goes on
   * being good. Default: for ever.
   */
  readonly rotateAfter?: Duration | undefined;
  /** Told of each overdue key that is used, once a day in each process: warn its owner. */
  readonly onOverdue?: ((key: VerifiedApiKey) => unknown) | undefined;
  /** Also verifies keys that another product made and `import` took over. */
  readonly imported?: ImportedKeys | undefined;
  /**
   * How long a revoked, disabled, rotated or changed key may still be taken as it was; on
   * the instance that made the change it ends at once. Also how long known keys go on while the store is
   * down. `0s` asks the store for every call. Default: `30s`.
   */
  readonly maxRevocationDelay?: Duration | undefined;
  /** How many verified keys are remembered, and as many denied ones. Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** How many bytes of verified keys are remembered, estimated. Default: 32 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Reads of the store in a second for keys that were not good lately, before such keys are denied for a moment; a key
   * that turns out good is not counted. So a flood of made-up keys costs the store no more than this, and one peer may
   * use up a fifth of it. Default: 500.
   */
  readonly maxUnknownPerSecond?: number | undefined;
  /** The least time between two records of when a key was last used. Default: `1m`. */
  readonly lastUsedInterval?: Duration | undefined;
  /** How long to wait for the store to verify a key or to count a quota, at most `1m`. Default: `2s`. */
  readonly storeTimeout?: Duration | undefined;
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

const NAME = 'apiKeys';
const OPTIONS = [
  'prefix',
  'environment',
  'store',
  'peppers',
  'publishable',
  'rotateAfter',
  'onOverdue',
  'imported',
  'maxRevocationDelay',
  'maxEntries',
  'maxBytes',
  'maxUnknownPerSecond',
  'lastUsedInterval',
  'storeTimeout',
  'now',
  'waitUntil',
  'onFault',
  'record',
] as const;
/** Of a change: without this check a misspelled `tenant` would reach the keys of all. */
const ACT_OPTIONS = ['tenant', 'record'] as const;
const MAX_REASON = 512;
const MAX_HASH = 1_024;
const MAX_PAGE = 1_000;
/** A year: with an overlap that never ends nothing is rotated. */
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
 * `.rotated`, `.disabled`, `.overloaded` or `.store_unavailable`. Management rejects with what the store throws, and
 * where `record` was given a change and did not take it.
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
  assertKnownOptions(NAME, options, OPTIONS);
  const { prefix, environment, store, peppers, now = Date.now } = options;
  const { publishable = false, imported, onOverdue } = options;
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
  assertConfiguration(
    publishable ? prefix.endsWith('pk') : prefix !== 'pk',
    publishable
      ? `${NAME}: the prefix of publishable keys ends in "pk", so that nobody takes them for secret: { prefix: 'pk' }.`
      : `${NAME}: keys with the prefix "pk" may be seen by anybody; say publishable: true, or { prefix: 'sk' }.`,
  );
  assertConfiguration(
    imported === undefined ||
      (typeof imported.lookup === 'function' && typeof imported.verify === 'function'),
    `${NAME}: imported needs two functions, { lookup: (presented) => …, verify: (presented, hash) => … }.`,
  );
  assertRecord(NAME, options.record);
  assertConfiguration(
    !Object.hasOwn(peppers.keys, IMPORTED),
    `${NAME}: each pepper needs a name, for example v1.`,
  );
  const rotateAfter =
    options.rotateAfter === undefined
      ? undefined
      : durationMs(NAME, 'rotateAfter', options.rotateAfter, { max: '3650d' });
  const bounds = checkBounds(options);
  const namespace = `${prefix}_${environment}`;
  const hash = pepperedHash(peppers, 'apiKeys');
  const currentPepper = peppers.current;
  const background = backgroundWork(options);
  const verifier = apiKeyVerifier({
    prefix,
    environment,
    store,
    hash,
    currentPepper,
    now,
    background,
    publishable,
    rotateAfter,
    onOverdue,
    imported,
    ...bounds,
  });
  store.onChange?.(verifier.forget);
  const describe = { environment, rotateAfter };
  const { find, change } = apiKeyRecords({
    store,
    namespace,
    environment,
    rotateAfter,
    now,
    onChange: verifier.forget,
  });

  /** A key with a new secret, and what is stored of it. */
  const makeSecret = async (id: string) => {
    const key = makeKey({ prefix, environment, id });
    // The current pepper is one of those that every text is hashed with.
    const keyed = (await hash(key)).get(currentPepper) as string;
    return { key, secret: { hash: keyed, pepper: currentPepper } };
  };

  /** All of a new row but its id and secret, or what is wrong with it. */
  const newRecord = ({
    owner,
    tenant,
    ...terms
  }: NewApiKey): Omit<ApiKeyRecord, 'id' | 'secret'> | ApiKeyProblem => {
    const unknown = unknownTerm(terms, TERMS);
    if (unknown !== undefined) return invalid(unknown);
    const checked = checkTerms(terms, publishable);
    if (!checked.ok) return invalid(checked.problem);
    const problem = holderProblem(owner, tenant);
    if (problem !== undefined) return invalid(problem);
    const at = now();
    return {
      ...checked.terms,
      namespace,
      tenant,
      owner: { type: owner.type, id: owner.id },
      generation: 0,
      status: 'enabled',
      createdAt: at,
      updatedAt: at,
      version: 0,
    };
  };

  /** Answers once the change that was made is recorded; each call may name who records it. */
  const recorded = async <Answer extends ApiKeyChange | ApiKeyIssue>(
    act: BuiltinAct,
    answer: Answer,
    { record = options.record }: RecordOption = {},
    { data, reason }: Pick<AuditAct, 'data' | 'reason'> = {},
  ): Promise<Answer> => {
    if (!answer.ok) return answer;
    const { id, owner, tenant } = answer.info;
    await recordAct(record, {
      act,
      target: { type: 'api_key', id },
      reason,
      data: { ownerType: owner.type, owner: owner.id, tenant, ...data },
    });
    return answer;
  };

  const setStatus = async (
    id: string,
    status: ApiKeyStatus,
    { reason, ...scope }: ApiKeyEndOptions = {},
  ): Promise<ApiKeyChange> => {
    assertKnownOptions(`${NAME}: ${status}`, scope, ACT_OPTIONS);
    if (reason !== undefined && !isText(reason, MAX_REASON)) {
      return invalid(`reason must be 1 to ${MAX_REASON} characters`);
    }
    const changed = await change(id, scope, (record) =>
      record.status === 'revoked' ? REVOKED : { ...record, status, reason },
    );
    return recorded(`api_key.${status}`, changed, scope, { reason });
  };

  return Object.freeze({
    prefix,
    environment,
    publishable,
    pattern: patternOf(prefix, environment),
    verify: verifier.verify,
    issue: async (wanted: NewApiKey, act: RecordOption = {}) => {
      assertKnownOptions(`${NAME}.issue`, act, ['record']);
      const id = randomId();
      const made = newRecord(wanted);
      if ('ok' in made) return made;
      const { key, secret } = await makeSecret(id);
      const record: ApiKeyRecord = { ...made, id, secret };
      const added = await store.insert(record);
      if (!added) return CONFLICT;
      return recorded('api_key.issued', { ok: true, key, info: infoOf(record, describe) }, act);
    },
    import: async (
      { lookup, hash: stored, secretMadeAt, ...wanted }: ImportedApiKey,
      act: RecordOption = {},
    ) => {
      assertKnownOptions(`${NAME}.import`, act, ['record']);
      if (imported === undefined) return invalid('apiKeys needs imported: { lookup, verify }');
      if (!isIdentifier(lookup)) return invalid('lookup must be 1 to 256 characters');
      if (!isText(stored, MAX_HASH)) return invalid(`hash must be 1 to ${MAX_HASH} characters`);
      if (secretMadeAt !== undefined && !isCount(secretMadeAt, Number.MAX_SAFE_INTEGER)) {
        return invalid('secretMadeAt must be epoch milliseconds');
      }
      const made = newRecord(wanted);
      if ('ok' in made) return made;
      const id = await importedId(namespace, lookup);
      const secret = { hash: stored, pepper: IMPORTED };
      const record: ApiKeyRecord = { ...made, id, secret, secretMadeAt };
      if (!(await store.insert(record))) return CONFLICT;
      verifier.forget(id);
      return recorded('api_key.imported', { ok: true, info: infoOf(record, describe) }, act);
    },
    rotate: async (id, { overlapMs, generation: wanted, ...scope }) => {
      assertKnownOptions(`${NAME}.rotate`, scope, ACT_OPTIONS);
      if (!isCount(overlapMs, MAX_OVERLAP)) {
        return invalid('overlapMs must be whole milliseconds, at most a year');
      }
      if (!isId(id)) return NOT_FOUND;
      const { key, secret } = await makeSecret(id);
      let generation = wanted;
      const changed = await change(id, scope, (record) => {
        const at = now();
        if (record.status === 'revoked') return REVOKED;
        generation ??= record.generation;
        const overlapping = record.previous !== undefined && at < record.previous.until;
        if (record.generation !== generation || (overlapping && overlapMs > 0)) return CONFLICT;
        const previous = { ...record.secret, until: at + overlapMs };
        return { ...record, secret, previous, secretMadeAt: at, generation: generation + 1 };
      });
      const data = { overlapMs };
      return recorded('api_key.rotated', changed.ok ? { ...changed, key } : changed, scope, {
        data,
      });
    },
    endOverlap: async (id, scope = {}) => {
      assertKnownOptions(`${NAME}.endOverlap`, scope, ACT_OPTIONS);
      const changed = await change(id, scope, (record) => {
        if (record.previous === undefined) return record;
        const until = Math.min(record.previous.until, now());
        return { ...record, previous: { ...record.previous, until } };
      });
      return recorded('api_key.changed', changed, scope, { data: { changed: 'overlap' } });
    },
    update: async (id, terms, scope = {}) => {
      assertKnownOptions(`${NAME}.update`, scope, ACT_OPTIONS);
      const unknown = unknownTerm(terms, TERMS);
      if (unknown !== undefined) return invalid(unknown);
      const changed = await change(id, scope, (record) => {
        if (record.status === 'revoked') return REVOKED;
        const checked = checkTerms({ ...record, ...terms }, publishable);
        return checked.ok ? { ...record, ...checked.terms } : invalid(checked.problem);
      });
      const data = { changed: Object.keys(terms).toSorted().join(' ') };
      return recorded('api_key.changed', changed, scope, { data });
    },
    enable: (id, scope) => setStatus(id, 'enabled', scope),
    disable: (id, options) => setStatus(id, 'disabled', options),
    revoke: (id, options) => setStatus(id, 'revoked', options),
    get: async (id, scope = {}) => {
      assertKnownOptions(`${NAME}.get`, scope, ['tenant']);
      const record = await find(id, scope);
      return record && infoOf(record, describe);
    },
    list: async ({ tenant, owner, after, limit = 100, ...others }) => {
      assertKnownOptions(`${NAME}.list`, others, []);
      const isNowhere = [tenant, owner?.id].some(
        (each) => each !== undefined && !isIdentifier(each),
      );
      if (isNowhere || (after !== undefined && !isId(after))) return { keys: [], next: undefined };
      const size = isCount(limit, MAX_PAGE) && limit > 0 ? limit : MAX_PAGE;
      const page = await store.list({ namespace, tenant, owner, after, limit: size });
      const keys = page.map((record) => infoOf(record, describe));
      return { keys, next: keys.length < size ? undefined : keys.at(-1)?.id };
    },
    consumeQuota: quotaConsumer(store, bounds.storeTimeout, now),
    readQuotas: quotaReader(store, bounds.storeTimeout, now),
    resetQuotas: async (id, { quotas, record = options.record, ...scope } = {}) => {
      assertKnownOptions(`${NAME}.resetQuotas`, scope, ['tenant']);
      if (quotas !== undefined && !isNames(quotas))
        return invalid('quotas must be a list of names');
      if ((await find(id, scope)) === undefined) return NOT_FOUND;
      if (!(await store.resetUsage(id, quotas))) return NOT_FOUND;
      await recordAct(record, {
        act: 'quota.reset',
        target: { type: 'api_key', id },
        data: { quotas: quotas?.join(' ') ?? 'all' },
      });
      return { ok: true };
    },
  } satisfies ApiKeys);
}

/** The numbers among the options, held to what makes sense. */
function checkBounds(options: ApiKeysOptions) {
  const { store, maxEntries = 10_000, maxBytes = 33_554_432, maxUnknownPerSecond = 500 } = options;
  const maxRevocationDelay = durationMs(
    NAME,
    'maxRevocationDelay',
    options.maxRevocationDelay ?? '30s',
    { min: '0s' },
  );
  const lastUsedInterval = durationMs(NAME, 'lastUsedInterval', options.lastUsedInterval ?? '1m', {
    min: '0s',
  });
  const storeTimeout = durationMs(NAME, 'storeTimeout', options.storeTimeout ?? '2s', {
    max: '1m',
  });
  const staleness = store.maxStaleness ?? 0;
  for (const [name, value] of Object.entries({ maxEntries, maxBytes, maxUnknownPerSecond })) {
    assertConfiguration(
      isCount(value, Number.MAX_SAFE_INTEGER),
      `${NAME}: ${name} must be a whole number.`,
    );
  }
  assertConfiguration(maxUnknownPerSecond >= 1, `${NAME}: maxUnknownPerSecond must be at least 1.`);
  assertConfiguration(maxEntries >= 2, `${NAME}: maxEntries must be at least 2.`);
  assertConfiguration(
    staleness <= maxRevocationDelay,
    `${NAME}: the store's answers may be ${staleness} ms old, so maxRevocationDelay cannot be ` +
      `${maxRevocationDelay} ms.`,
  );
  const cache = { maxEntries, maxBytes };
  const lifetime = maxRevocationDelay - staleness;
  return { lifetime, cache, maxUnknownPerSecond, lastUsedInterval, storeTimeout };
}
