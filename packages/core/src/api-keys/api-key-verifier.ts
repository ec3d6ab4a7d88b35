import type { ApiKeyRecord, ApiKeyStore } from '../contracts/api-key-store.ts';
import type { PepperedHash } from '../crypto/peppered-hash.ts';
import type { BackgroundWork } from '../lib/background-work.ts';
import { boundedCache, type CacheBounds } from '../lib/bounded-cache.ts';
import { isOlder, withinTime } from '../lib/clock.ts';
import { fairAllowance } from '../lib/fair-allowance.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { ApiKeyVerification, VerifiedApiKey } from './api-key.ts';
import { importedId, parseKey } from './api-key-format.ts';
import {
  denial,
  type MatchedSecret,
  matchImported,
  matchSecret,
  verified,
} from './api-key-judgement.ts';
import { apiKeyReadings, type Reading } from './api-key-readings.ts';
import { type ImportedKeys, lookUp } from './imported-keys.ts';

/** What a verifier needs, with the defaults of the factory filled in. Times in milliseconds. */
export interface VerifierOptions {
  readonly prefix: string;
  readonly environment: string;
  readonly store: ApiKeyStore;
  readonly hash: PepperedHash;
  readonly currentPepper: string;
  /** How long an answer of the store may be used, in milliseconds. */
  readonly lifetime: number;
  readonly cache: CacheBounds;
  readonly maxUnknownPerSecond: number;
  readonly publishable: boolean;
  /** How old a secret may be, in milliseconds. */
  readonly rotateAfter: number | undefined;
  readonly onOverdue: ((key: VerifiedApiKey) => unknown) | undefined;
  readonly imported: ImportedKeys | undefined;
  readonly lastUsedInterval: number;
  readonly storeTimeout: number;
  readonly now: () => number;
  readonly background: BackgroundWork;
}

/** Verifies presented keys, at once where the answer is known. */
export interface ApiKeyVerifier {
  readonly verify: (
    presented: string,
    peer?: string,
    call?: object,
  ) => MaybePromise<ApiKeyVerification>;
  /** Discards everything that was read of this key before. */
  readonly forget: (id: string) => void;
}

interface Known extends Reading {
  readonly result: ApiKeyVerification;
  readonly secret: VerifiedApiKey['secret'];
  touchAt: number;
  refreshAt: number;
}

interface Denied extends Reading {
  readonly result: ApiKeyVerification;
}

interface RunningRead extends Reading {
  readonly answer: Promise<ApiKeyVerification>;
}

/** In milliseconds: a denied key is read again sooner than a good one. */
const DENIED_LIFETIME = 5_000;
const DENIED_BYTES = 512;
/** Beside what its text and record take. */
const ENTRY_BYTES = 1_024;

/** How often an overdue key is reported by one process. */
const REPORT_INTERVAL = 86_400_000;

const MALFORMED = denial('api_key.malformed');
const WRONG_ENVIRONMENT = denial('api_key.wrong_environment');
const PUBLISHABLE = denial('api_key.publishable');
const UNKNOWN = denial('api_key.unknown');
const OVERLOADED = denial('api_key.overloaded');

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
  const denied = boundedCache<Denied>(options.cache);
  const reported = boundedCache<number>(options.cache);
  const runningReads = new Map<string, RunningRead>();
  const allow = fairAllowance(options.maxUnknownPerSecond);
  const { begin, isFresh, forget } = apiKeyReadings(lifetime);

  /** Reads the store, once for all who ask at the same time. */
  const read = (
    presented: string,
    id: string,
    at: number,
    call: object | undefined,
    giveBack = nothing,
  ): Promise<ApiKeyVerification> => {
    const reading = begin(id, at);
    const answer = load(presented, reading, call)
      .then((result) => {
        if (result.ok) giveBack();
        return result;
      })
      .finally(() => {
        if (runningReads.get(presented)?.answer === answer) runningReads.delete(presented);
      });
    runningReads.set(presented, { ...reading, answer });
    return answer;
  };

  /** The reading of another call, which may have ended without it: waited for no longer than one of its own. */
  const join = async (other: RunningRead): Promise<ApiKeyVerification> => {
    try {
      return await withinTime(other.answer, options.storeTimeout);
    } catch (cause) {
      return { ok: false, code: 'api_key.store_unavailable', cause };
    }
  };

  /** Reads a key that was not seen lately, as long as not too many callers do so. */
  const readUnknown = (
    presented: string,
    id: string,
    at: number,
    peer: string | undefined,
    call: object | undefined,
  ): MaybePromise<ApiKeyVerification> => {
    // Taken when asking: whatever is being read may turn out made up.
    const giveBack = allow(peer, at);
    return giveBack === undefined ? OVERLOADED : read(presented, id, at, call, giveBack);
  };

  /** The same for a key of another product, whose id is a digest. */
  const readImported = async (
    presented: string,
    lookup: string,
    at: number,
    call: object | undefined,
    giveBack: () => void,
  ): Promise<ApiKeyVerification> => {
    const id = await importedId(namespace, lookup);
    const running = runningReads.get(presented);
    if (running === undefined || !isFresh(running, at))
      return read(presented, id, at, call, giveBack);
    giveBack();
    return join(running);
  };

  const verifyImported = (
    presented: string,
    at: number,
    peer: string | undefined,
    call: object | undefined,
    wasGood: boolean,
  ): MaybePromise<ApiKeyVerification> => {
    const { imported } = options;
    const lookup = imported === undefined ? undefined : lookUp(imported, presented);
    if (lookup === undefined) return MALFORMED;
    const bad = denied.get(presented);
    if (bad !== undefined && isFresh(bad, at)) return bad.result;
    const running = runningReads.get(presented);
    if (running !== undefined && isFresh(running, at)) return join(running);
    const giveBack = wasGood ? nothing : allow(peer, at);
    return giveBack === undefined
      ? OVERLOADED
      : readImported(presented, lookup, at, call, giveBack);
  };

  const load = async (
    presented: string,
    reading: Reading,
    call: object | undefined,
  ): Promise<ApiKeyVerification> => {
    try {
      const [hashes, record] = await withinTime(
        Promise.all([hash(presented), ask(store, reading.id)]),
        options.storeTimeout,
      );
      const mine = isMine(record) ? record : undefined;
      const match =
        matchSecret(mine, hashes, currentPepper, now()) ?? (await matchOfAnother(presented, mine));
      return classify(presented, reading, hashes, mine, match, call);
    } catch (cause) {
      return { ok: false, code: 'api_key.store_unavailable', cause };
    }
  };

  // A row says itself which kind it is: keys that anybody has seen never become secret by another configuration.
  const isMine = (record: ApiKeyRecord | undefined): boolean =>
    record?.namespace === namespace && (record.publishable !== undefined) === options.publishable;

  const matchOfAnother = async (
    presented: string,
    mine: ApiKeyRecord | undefined,
  ): Promise<MatchedSecret | undefined> => {
    const { imported, storeTimeout } = options;
    if (imported === undefined || parseKey(presented) !== undefined) return undefined;
    const isOf = async (hash: string): Promise<boolean> => imported.verify(presented, hash);
    return withinTime(matchImported(mine, isOf, now()), storeTimeout);
  };

  const classify = (
    presented: string,
    reading: Reading,
    hashes: ReadonlyMap<string, string>,
    mine: ApiKeyRecord | undefined,
    match: MatchedSecret | undefined,
    call: object | undefined,
  ): ApiKeyVerification => {
    if (mine === undefined || match === undefined) return deny(presented, reading, UNKNOWN);
    const { secret, problem } = match;
    if (problem !== undefined) return deny(presented, reading, denial(problem, mine.id));
    return admit(presented, reading, mine, secret, hashes, call);
  };

  const deny = (
    presented: string,
    reading: Reading,
    result: ApiKeyVerification,
  ): ApiKeyVerification => {
    known.delete(presented);
    const until = reading.startedAt + Math.min(lifetime, DENIED_LIFETIME);
    denied.set(presented, { ...reading, until, result }, DENIED_BYTES);
    return result;
  };

  const admit = (
    presented: string,
    reading: Reading,
    record: ApiKeyRecord,
    secret: VerifiedApiKey['secret'],
    hashes: ReadonlyMap<string, string>,
    call: object | undefined,
  ): ApiKeyVerification => {
    const result = verified(record, environment, secret, options.rotateAfter);
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
    // Even if it may not be answered from: a key that was valid is not part of a flood.
    const bytes = 2 * (presented.length + JSON.stringify(record).length) + ENTRY_BYTES;
    known.set(presented, entry, bytes);
    touch(entry, now(), call);
    if (result.ok) report(result.key, now(), call);
    const rehashed = hashes.get(currentPepper);
    if (current && record.secret.pepper !== currentPepper && rehashed !== undefined) {
      background.run(
        () => store.replace({ ...record, secret: { hash: rehashed, pepper: currentPepper } }),
        call,
      );
    }
    return result;
  };

  /** Once a day for each key. */
  const report = (key: VerifiedApiKey, at: number, call: object | undefined): void => {
    const { onOverdue } = options;
    if (onOverdue === undefined || key.rotateBy === undefined || at < key.rotateBy) return;
    const last = reported.get(key.id);
    if (last !== undefined && !isOlder(last, REPORT_INTERVAL, at)) return;
    reported.set(key.id, at, DENIED_BYTES);
    background.run(() => onOverdue(key), call);
  };

  const touch = (entry: Known, at: number, call: object | undefined): void => {
    if (at < entry.touchAt) return;
    const interval = options.lastUsedInterval;
    entry.touchAt = at + interval;
    background.run(() => store.touch({ id: entry.id, secret: entry.secret, at, interval }), call);
  };

  /** Asks again before the answer grows too old, so that nobody waits and an outage finds it young. */
  const refresh = (entry: Known, presented: string, at: number, call: object | undefined): void => {
    if (at < entry.refreshAt) return;
    entry.refreshAt = at + lifetime / 8;
    background.run(async () => {
      const running = runningReads.get(presented);
      const isRunning = running !== undefined && isFresh(running, at);
      const result = await (isRunning ? join(running) : read(presented, entry.id, at, call));
      if (!result.ok && result.cause !== undefined) background.onFault(result.cause);
    }, call);
  };

  return {
    verify: (presented, peer, call) => {
      const at = now();
      const entry = known.get(presented);
      if (entry !== undefined && isFresh(entry, at)) {
        touch(entry, at, call);
        refresh(entry, presented, at, call);
        return entry.result;
      }
      const parsed = parseKey(presented);
      if (parsed?.prefix !== prefix) {
        if (!options.publishable && parsed?.prefix.endsWith('pk')) return PUBLISHABLE;
        return verifyImported(presented, at, peer, call, entry !== undefined);
      }
      if (parsed.environment !== environment) return WRONG_ENVIRONMENT;
      const bad = denied.get(presented);
      if (bad !== undefined && isFresh(bad, at)) return bad.result;
      const running = runningReads.get(presented);
      if (running !== undefined && isFresh(running, at)) return join(running);
      // A key that was good a while ago is not one of a flood, and there are not more of them than entries.
      return entry === undefined
        ? readUnknown(presented, parsed.id, at, peer, call)
        : read(presented, parsed.id, at, call);
    },
    forget,
  };
}

/** A throw of the store becomes a rejection. */
async function ask(store: ApiKeyStore, id: string): Promise<ApiKeyRecord | undefined> {
  return store.get(id);
}

function nothing(): void {}
