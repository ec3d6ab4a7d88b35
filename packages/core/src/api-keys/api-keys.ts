import type { ApiKeyStore } from '../contracts/api-key-store.ts';
import { assertRecord, type RecordOption } from '../contracts/record-act.ts';
import { type Peppers, pepperedHash } from '../crypto/peppered-hash.ts';
import { backgroundWork } from '../lib/background-work.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { ApiKeys, VerifiedApiKey } from './api-key.ts';
import { apiKeyAdministration } from './api-key-administration.ts';
import { isEnvironment, isPrefix, patternOf } from './api-key-format.ts';
import { IMPORTED } from './api-key-judgement.ts';
import { isCount } from './api-key-terms.ts';
import { apiKeyVerifier } from './api-key-verifier.ts';
import type { ImportedKeys } from './imported-keys.ts';

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
  /** Called with each overdue key that is used, once a day in each process: warn its owner. */
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
   * Called with work that continues after the response (last use, new hash), for runtimes that stop when the
   * response is out: `(work) => context.waitUntil(work)`. It never rejects. Default: `waitUntil` of the call, where its
   * host has one.
   */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
  /** Called with what such work threw. Nobody waits for it, so nobody else learns of it. */
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

/**
 * API keys as a product: issues them, tells good ones from all others, rotates and revokes them. A key is
 * `prefix_environment_id_secret` with a checksum over all of it (see `parseApiKey`); the store holds
 * only an HMAC-SHA-256 of it under a pepper. A key that is not known costs the same work as one that is, and what is
 * wrong with a key (revoked, expired, …) is disclosed only to a holder of its secret.
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
  const shared = {
    prefix,
    environment,
    store,
    hash: pepperedHash(peppers, NAME),
    currentPepper: peppers.current,
    publishable,
    rotateAfter,
    now,
  };
  const background = backgroundWork(options);
  const verifier = apiKeyVerifier({ ...shared, background, onOverdue, imported, ...bounds });
  store.onChange?.(verifier.forget);
  const administration = apiKeyAdministration({
    ...shared,
    storeTimeout: bounds.storeTimeout,
    takesImports: imported !== undefined,
    record: options.record,
    onChange: verifier.forget,
  });

  return Object.freeze({
    prefix,
    environment,
    publishable,
    pattern: patternOf(prefix, environment),
    verify: verifier.verify,
    ...administration,
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
