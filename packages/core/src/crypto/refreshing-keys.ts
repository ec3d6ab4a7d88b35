import { boundedCache } from '../lib/bounded-cache.ts';
import { withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { FETCH_OPTIONS, type FetchOptions } from '../lib/fetch-json.ts';
import { keepAlive } from '../lib/keep-alive.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { KeyAnswer, KeyHint, KeySet, KeySource, VerificationKey } from './key-source.ts';
import { readVerificationKey, selectKeys } from './verification-key.ts';

/** How long fetched keys are used, and how their server is spared. */
export interface RefreshOptions {
  /** Keys older than this are fetched again in the background; calls do not wait. Default: `5m`. */
  readonly refreshAfter?: Duration | undefined;
  /** Keys older than this are fetched again before they are used. Default: `10m`. */
  readonly maxAge?: Duration | undefined;
  /** For how long beyond `maxAge` keys are used while their server fails. Default: `1h`. */
  readonly staleIfError?: Duration | undefined;
  /** A larger key set is not used. Default: 500 keys. */
  readonly maxKeys?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1, spreads retries. Default: from `crypto.getRandomValues`. */
  readonly random?: (() => number) | undefined;
}

/** The options of everything that fetches keys. */
export const REMOTE_KEY_OPTIONS: readonly string[] = [
  ...FETCH_OPTIONS,
  'refreshAfter',
  'maxAge',
  'staleIfError',
  'maxKeys',
  'now',
  'random',
];

/** Tokens with a key id that is not in the set: this many fetches at once, then one for each interval. */
const MISS_BURST = 3;
const MISS_INTERVAL = 10_000;
/** For how long, and for how many, an unknown key id is remembered as unknown. */
const UNKNOWN_FOR = 30_000;
const UNKNOWN_IDS = { maxEntries: 1000, maxBytes: 262_144 };
const FIRST_BACKOFF = 1000;
const LONGEST_BACKOFF = 60_000;
/** Longer than a fetch may take, so that one that ends is waited for. */
const GRACE = 1_000;

/**
 * Keys that are fetched by `load` and kept: one fetch at a time for all callers, renewed ahead of time, used for a
 * bounded while when their server fails, which is then asked ever less often.
 */
export function refreshingKeys(
  name: string,
  load: () => Promise<Readonly<Record<string, unknown>>>,
  options: RefreshOptions & Pick<FetchOptions, 'timeout'>,
): KeySource {
  const { maxKeys = 500, now = () => Date.now(), random = randomFraction } = options;
  const refreshAfter = durationMs(name, 'refreshAfter', options.refreshAfter ?? '5m');
  const maxAge = durationMs(name, 'maxAge', options.maxAge ?? '10m');
  const staleIfError = durationMs(name, 'staleIfError', options.staleIfError ?? '1h', {
    min: '0s',
  });
  assertConfiguration(maxAge >= refreshAfter, `${name}: refreshAfter must be at most maxAge.`);
  assertConfiguration(
    Number.isSafeInteger(maxKeys) && maxKeys > 0,
    `${name}: maxKeys must be a whole number of keys, 1 or more.`,
  );
  /**
   * For how long a call relies on a fetch that another call began. Edge runtimes drop what a call has begun as soon
   * as it was answered, so such a fetch may never end.
   */
  const stalledAfter = durationMs(name, 'timeout', options.timeout ?? '5s') + GRACE;
  let set: KeySet | undefined;
  let unusable: readonly string[] = [];
  let fingerprint = '';
  let loadedAt = 0;
  let flight: Promise<void> | undefined;
  let flightAt = 0;
  /** Since the last success. */
  let failures = 0;
  let retryAt = 0;
  let lastCause: unknown;
  let missesLeft = MISS_BURST;
  let missesAt = 0;
  const unknownUntil = boundedCache<number>(UNKNOWN_IDS);

  const ageAt = (at: number): number => {
    // A clock that was set back must not make the keys younger than they are for long.
    loadedAt = Math.min(loadedAt, at);
    return at - loadedAt;
  };
  const mayRetry = (at: number): boolean =>
    failures === 0 || at >= retryAt || at < retryAt - LONGEST_BACKOFF;

  const refresh = (call?: object): Promise<void> => {
    const at = now();
    if (flight !== undefined && at - flightAt < stalledAfter) return flight;
    const mine: Promise<void> = load()
      .then(accept)
      .catch(fail)
      .finally(() => {
        if (flight === mine) flight = undefined;
      });
    flight = mine;
    flightAt = at;
    keepAlive(call, mine);
    return mine;
  };
  const accept = (document: Readonly<Record<string, unknown>>): void => {
    const read = readKeys(document, maxKeys);
    const { keys } = read;
    // Good keys are not given up for a set in which none can be used.
    if (keys.length === 0)
      throw new Error(`no key can be used: ${read.unusable.join('; ') || 'the set is empty'}`);
    unusable = read.unusable;
    const text = JSON.stringify(keys);
    // An unchanged set stays the same object, so what was verified with it stays verified.
    if (set === undefined || text !== fingerprint) set = Object.freeze({ keys });
    fingerprint = text;
    loadedAt = now();
    failures = 0;
  };
  const fail = (cause: unknown): void => {
    lastCause = cause;
    const delay = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** failures);
    failures++;
    retryAt = now() + delay * (0.5 + random() / 2);
  };

  const current = (call?: object): KeySet | undefined => {
    const at = now();
    const age = ageAt(at);
    const inForce = age < maxAge || (failures > 0 && age < maxAge + staleIfError);
    if (set === undefined || !inForce) return undefined;
    if (age >= refreshAfter && mayRetry(at)) void refresh(call);
    return set;
  };
  const unavailable = (): KeyAnswer => ({
    ok: false,
    reason: 'unavailable',
    retryAfterMs: Math.max(1_000, retryAt - now()),
    cause: lastCause,
  });

  /** Waits for a fetch, its own or that of another call, but for the latter only as long as it may take. */
  const joined = (): Promise<void> => {
    const left = flightAt + stalledAfter - now();
    return left > 0 && flight ? withinTime(flight, left) : refresh();
  };
  /** After a lost fetch, one of the waiting callers begins the next. If that is lost too, the others give up. */
  const refreshed = (): Promise<void> => joined().catch(joined);
  /** With what operators want to know where no key fits. */
  const select = (known: KeySet, hint: KeyHint): KeyAnswer => {
    const answer = selectKeys(known, hint);
    if (answer.ok || answer.reason === 'unavailable') return answer;
    const usable = known.keys.map(
      ({ kid, algorithms }) => `${kid ?? '(no kid)'}: ${algorithms.join('/')}`,
    );
    return { ...answer, known: [...usable, ...unusable] };
  };

  /** Takes one fetch for an unknown key id, if there is one to take. */
  const takeMiss = (at: number): boolean => {
    missesAt = Math.min(missesAt, at);
    const regained = Math.floor((at - missesAt) / MISS_INTERVAL);
    missesLeft = Math.min(MISS_BURST, missesLeft + regained);
    missesAt += regained * MISS_INTERVAL;
    if (missesLeft === 0) return false;
    missesLeft--;
    return true;
  };
  const findIn = (known: KeySet, hint: KeyHint): MaybePromise<KeyAnswer> => {
    const answer = select(known, hint);
    const { kid } = hint;
    if (answer.ok || kid === undefined || known.keys.some((key) => key.kid === kid)) return answer;
    const at = now();
    if (at < (unknownUntil.get(kid) ?? 0)) return answer;
    if (!mayRetry(at)) return unavailable();
    if (!flight && !takeMiss(at)) return answer;
    return refreshed().then(() => {
      if (!set || failures > 0) return unavailable();
      const again = select(set, hint);
      if (!again.ok) unknownUntil.set(kid, now() + UNKNOWN_FOR, kid.length * 2 + 100);
      return again;
    });
  };

  return Object.freeze({
    symmetric: false,
    current,
    find: (hint, call) => {
      const known = current(call);
      if (known) return findIn(known, hint);
      if (!mayRetry(now())) return unavailable();
      return refreshed().then(() => {
        const fetched = current();
        return fetched ? select(fetched, hint) : unavailable();
      });
    },
  } satisfies KeySource);
}

interface ReadKeys {
  readonly keys: readonly VerificationKey[];
  /** Why the others cannot be used, for operators. */
  readonly unusable: readonly string[];
}

/** Keys that cannot verify are left out (RFC 7517 §5), and so are secrets: a public set holds none. */
function readKeys(document: Readonly<Record<string, unknown>>, most: number): ReadKeys {
  const listed = document['keys'];
  if (!Array.isArray(listed)) throw new Error('the key set has no "keys"');
  if (listed.length > most) {
    throw new Error(`the key set has ${listed.length} keys; more than ${most} need maxKeys`);
  }
  const keys: VerificationKey[] = [];
  const unusable: string[] = [];
  for (const each of listed) {
    const key = readVerificationKey(each);
    if (typeof key !== 'string' && key.jwk['kty'] !== 'oct') keys.push(key);
    else if (unusable.length < MOST_REASONS) {
      const { kid } = (each ?? {}) as { readonly kid?: unknown };
      unusable.push(
        `${String(kid).slice(0, 100)}: ${typeof key === 'string' ? key : 'a shared secret'}`,
      );
    }
  }
  return { keys: Object.freeze(keys), unusable };
}

const MOST_REASONS = 20;

function randomFraction(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}
