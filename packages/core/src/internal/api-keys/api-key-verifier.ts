import type { ApiKeyVerification, VerifiedApiKey } from '../../api-key.ts';
import type { ApiKeyRecord, ApiKeyStore, StoredSecret } from '../../stores/api-key-store.ts';
import { boundedCache, type CacheBounds } from '../bounded-cache.ts';
import { equalInConstantTime } from '../equal-in-constant-time.ts';
import { freezeDeep, frozenSet } from '../freeze-deep.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import type { PepperedHash } from '../secrets/peppered-hash.ts';
import { withinTime } from '../within-time.ts';
import { parseKey } from './api-key-format.ts';

/** What a verifier needs; every member is settled, defaults are the factory's. */
export interface VerifierOptions {
  readonly prefix: string;
  readonly environment: string;
  readonly store: ApiKeyStore;
  readonly hash: PepperedHash;
  readonly currentPepper: string;
  /** How long an answer of the store may be used, in milliseconds. */
  readonly lifetime: number;
  readonly cache: CacheBounds;
  readonly lastUsedInterval: number;
  readonly storeTimeout: number;
  readonly now: () => number;
  /** Runs what nobody waits for, and hands what it throws to `onFault`. */
  readonly background: (task: () => unknown) => void;
  readonly onFault: (cause: unknown) => void;
}

/** Verifies presented keys, at once where the answer is known. */
export interface ApiKeyVerifier {
  readonly verify: (presented: string) => MaybePromise<ApiKeyVerification>;
  /** Nothing that was read of this key before is used any more. */
  readonly forget: (id: string) => void;
}

/** Something that was asked of the store at a time. */
interface Reading {
  readonly id: string;
  readonly startedAt: number;
  /** Not to be used from then on. */
  readonly until: number;
  /** The number of changes that were known when it began. */
  readonly seen: number;
}

interface Known extends Reading {
  readonly result: ApiKeyVerification;
  readonly secret: VerifiedApiKey['secret'];
  touchAt: number;
  refreshAt: number;
}

interface Refused extends Reading {
  readonly result: ApiKeyVerification;
}

interface Flight extends Reading {
  landing: Promise<ApiKeyVerification>;
}

/** What is wrong with a key is asked again sooner than what is right. */
const REFUSAL_LIFETIME = 5_000;
const REFUSAL_BYTES = 512;
/** Beside what its text and record take. */
const ENTRY_BYTES = 1_024;
/** Keys that changed here, remembered one by one; beyond that all that was read before is given up. */
const MAX_FORGOTTEN = 1_024;

const MALFORMED = refusal('api_key.malformed');
const WRONG_ENVIRONMENT = refusal('api_key.wrong_environment');
const UNKNOWN = refusal('api_key.unknown');

/** Stand in for hashes that are not there, so that the comparison is made all the same. */
const NO_HASH = '-'.repeat(64);
const NO_STORED_HASH = '+'.repeat(64);

/**
 * The cache is keyed by the presented text. WebCrypto has no synchronous digest, and a home-made one would be
 * the weakest link; a `Map` compares texts only after their seeded hashes are equal, so its time tells
 * nothing of a stored text. The heap holds keys that are in use, as it does with every request anyhow: until
 * newer ones push them out.
 */
export function apiKeyVerifier(options: VerifierOptions): ApiKeyVerifier {
  const { prefix, environment, store, hash, currentPepper, lifetime, now, background } = options;
  const namespace = `${prefix}_${environment}`;
  const known = boundedCache<Known>(options.cache);
  const refused = boundedCache<Refused>(options.cache);
  const flights = new Map<string, Flight>();
  const forgotten = new Map<string, number>();
  let changes = 0;
  let forgottenBefore = 0;

  /** A clock that was set back makes readings stale, never longer-lived. */
  const isFresh = (reading: Reading, at: number): boolean =>
    at >= reading.startedAt &&
    at < reading.until &&
    reading.seen >= (forgotten.get(reading.id) ?? forgottenBefore);

  /** Reads the store, once for all who ask at the same time. */
  const read = (presented: string, id: string, at: number): Promise<ApiKeyVerification> => {
    const flying = flights.get(presented);
    if (flying !== undefined && isFresh(flying, at)) return flying.landing;
    const reading = { id, startedAt: at, until: at + lifetime, seen: changes };
    const landing = load(presented, reading).finally(() => flights.delete(presented));
    flights.set(presented, { ...reading, landing });
    return landing;
  };

  const load = async (presented: string, reading: Reading): Promise<ApiKeyVerification> => {
    try {
      const [hashes, record] = await withinTime(
        Promise.all([hash(presented), ask(store, reading.id)]),
        options.storeTimeout,
      );
      return settle(presented, reading, hashes, record);
    } catch (cause) {
      return { ok: false, code: 'api_key.store_unavailable', cause };
    }
  };

  const settle = (
    presented: string,
    reading: Reading,
    hashes: ReadonlyMap<string, string>,
    record: ApiKeyRecord | undefined,
  ): ApiKeyVerification => {
    const at = now();
    const mine = record?.namespace === namespace ? record : undefined;
    const isSecret = (stored: StoredSecret | undefined): boolean => {
      const made = hashes.get(stored?.pepper ?? currentPepper);
      const same = equalInConstantTime(made ?? NO_HASH, stored?.hash ?? NO_STORED_HASH);
      return same && made !== undefined && stored !== undefined;
    };
    const isCurrent = isSecret(mine?.secret);
    const isPrevious = isSecret(mine?.previous);
    if (mine === undefined || !(isCurrent || isPrevious)) {
      return refuse(presented, reading, UNKNOWN);
    }
    const wrong = problemOf(mine, isCurrent, at);
    if (wrong !== undefined) return refuse(presented, reading, refusal(wrong, mine.id));
    return admit(presented, reading, mine, isCurrent ? 'current' : 'previous', hashes);
  };

  const refuse = (
    presented: string,
    reading: Reading,
    result: ApiKeyVerification,
  ): ApiKeyVerification => {
    known.delete(presented);
    const until = reading.startedAt + Math.min(lifetime, REFUSAL_LIFETIME);
    refused.set(presented, { ...reading, until, result }, REFUSAL_BYTES);
    return result;
  };

  const admit = (
    presented: string,
    reading: Reading,
    record: ApiKeyRecord,
    secret: VerifiedApiKey['secret'],
    hashes: ReadonlyMap<string, string>,
  ): ApiKeyVerification => {
    const result = Object.freeze({ ok: true as const, key: verified(record, environment, secret) });
    const { expiresAt = Number.POSITIVE_INFINITY, previous, lastUsedAt } = record;
    const current = secret === 'current';
    const before = known.get(presented);
    const usedAt = (current ? lastUsedAt : previous?.lastUsedAt) ?? Number.NEGATIVE_INFINITY;
    const entry: Known = {
      ...reading,
      result,
      secret,
      until: Math.min(
        reading.until,
        expiresAt,
        current ? Number.POSITIVE_INFINITY : (previous?.until ?? 0),
      ),
      touchAt: Math.max(
        usedAt + options.lastUsedInterval,
        before?.secret === secret ? before.touchAt : usedAt,
      ),
      refreshAt: reading.startedAt + lifetime / 2,
    };
    if (lifetime > 0) {
      const bytes = 2 * (presented.length + JSON.stringify(record).length) + ENTRY_BYTES;
      known.set(presented, entry, bytes);
    }
    touch(entry, now());
    const rehashed = hashes.get(currentPepper);
    if (current && record.secret.pepper !== currentPepper && rehashed !== undefined) {
      background(() =>
        store.replace({ ...record, secret: { hash: rehashed, pepper: currentPepper } }),
      );
    }
    return result;
  };

  const touch = (entry: Known, at: number): void => {
    if (at < entry.touchAt) return;
    const interval = options.lastUsedInterval;
    entry.touchAt = at + interval;
    background(() => store.touch({ id: entry.id, secret: entry.secret, at, interval }));
  };

  /** Asks again before the answer grows too old, so that nobody waits and an outage finds it young. */
  const refresh = (entry: Known, presented: string, at: number): void => {
    if (at < entry.refreshAt) return;
    entry.refreshAt = at + lifetime / 8;
    background(async () => {
      const result = await read(presented, entry.id, at);
      if (!result.ok && result.cause !== undefined) options.onFault(result.cause);
    });
  };

  return {
    verify: (presented) => {
      const at = now();
      const entry = known.get(presented);
      if (entry !== undefined && isFresh(entry, at)) {
        touch(entry, at);
        refresh(entry, presented, at);
        return entry.result;
      }
      const parsed = parseKey(presented);
      if (parsed?.prefix !== prefix) return MALFORMED;
      if (parsed.environment !== environment) return WRONG_ENVIRONMENT;
      const bad = refused.get(presented);
      return bad !== undefined && isFresh(bad, at) ? bad.result : read(presented, parsed.id, at);
    },
    forget: (id) => {
      changes++;
      if (forgotten.size >= MAX_FORGOTTEN) {
        forgotten.clear();
        forgottenBefore = changes;
      } else forgotten.set(id, changes);
    },
  };
}

/** A throw of the store becomes a rejection. */
async function ask(store: ApiKeyStore, id: string): Promise<ApiKeyRecord | undefined> {
  return store.get(id);
}

type MatchedCode = 'api_key.revoked' | 'api_key.disabled' | 'api_key.expired' | 'api_key.rotated';

/** Told only to whoever holds the secret. */
function problemOf(
  { status, expiresAt, previous }: ApiKeyRecord,
  isCurrent: boolean,
  at: number,
): MatchedCode | undefined {
  if (status === 'revoked') return 'api_key.revoked';
  if (expiresAt !== undefined && !(at < expiresAt)) return 'api_key.expired';
  if (!isCurrent && !(previous !== undefined && at < previous.until)) return 'api_key.rotated';
  return status === 'enabled' ? undefined : 'api_key.disabled';
}

function refusal(
  code: MatchedCode | 'api_key.malformed' | 'api_key.wrong_environment' | 'api_key.unknown',
  id?: string,
): ApiKeyVerification {
  return Object.freeze({ ok: false, code, id });
}

function verified(
  record: ApiKeyRecord,
  environment: string,
  secret: VerifiedApiKey['secret'],
): VerifiedApiKey {
  const { scopes = [], roles = [], limits = {}, quotas = {}, metadata = {} } = record;
  const { id, name, owner, tenant, allowedPeers, createdAt, expiresAt } = record;
  return Object.freeze({
    id,
    environment,
    secret,
    name,
    tenant,
    createdAt,
    expiresAt,
    // The record may be the store's own.
    ...freezeDeep(structuredClone({ owner, limits, quotas, metadata, allowedPeers })),
    scopes: frozenSet(scopes),
    roles: frozenSet(roles),
  });
}
