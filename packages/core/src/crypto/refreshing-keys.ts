import { boundedCache } from '../lib/bounded-cache.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { KeyAnswer, KeyHint, KeySet, KeySource, VerificationKey } from './key-source.ts';
import { readVerificationKey, selectKeys } from './verification-key.ts';

/** How long fetched keys are used, and how their server is spared. All times in seconds. */
export interface RefreshOptions {
  /** Keys older than this are fetched anew beside the calls, which do not wait. Default: 300. */
  readonly refreshAfter?: number | undefined;
  /** Keys older than this are fetched anew before they are used. Default: 600. */
  readonly maxAge?: number | undefined;
  /** For how long beyond `maxAge` keys are used while their server fails. Default: 3600. */
  readonly staleIfError?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1, spreads retries. Default: from `crypto.getRandomValues`. */
  readonly random?: (() => number) | undefined;
}

/** How many keys of a set are looked at. */
const MOST_KEYS = 100;
/** Tokens with a key id that is not in the set: this many fetches at once, then one for each interval. */
const MISS_BURST = 3;
const MISS_INTERVAL = 10_000;
/** For how long, and for how many, an unknown key id is remembered as unknown. */
const UNKNOWN_FOR = 30_000;
const UNKNOWN_IDS = { maxEntries: 1000, maxBytes: 262_144 };
const FIRST_BACKOFF = 1000;
const LONGEST_BACKOFF = 60_000;
/** Some runtimes drop what a finished call began, so a flight may never land. */
const STALLED_AFTER = 200_000;

/**
 * Keys that are fetched by `load` and kept: one fetch at a time whoever asks, renewed ahead of time, used for a
 * bounded while when their server fails, which is then asked ever less often.
 */
export function refreshingKeys(
  name: string,
  load: () => Promise<Readonly<Record<string, unknown>>>,
  options: RefreshOptions,
): KeySource {
  const { refreshAfter = 300, maxAge = 600, staleIfError = 3600 } = options;
  const { now = () => Date.now(), random = randomFraction } = options;
  assertConfiguration(
    refreshAfter > 0 && maxAge >= refreshAfter && staleIfError >= 0,
    `${name}: times are in seconds, and refreshAfter must not be above maxAge.`,
  );
  let set: KeySet | undefined;
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

  const refresh = (): Promise<void> => {
    const at = now();
    if (flight !== undefined && at - flightAt < STALLED_AFTER) return flight;
    const mine: Promise<void> = load()
      .then(accept)
      .catch(fail)
      .finally(() => {
        if (flight === mine) flight = undefined;
      });
    flight = mine;
    flightAt = at;
    return mine;
  };
  const accept = (document: Readonly<Record<string, unknown>>): void => {
    const keys = readKeys(document);
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

  const current = (): KeySet | undefined => {
    const at = now();
    const age = ageAt(at) / 1000;
    const inForce = age < maxAge || (failures > 0 && age < maxAge + staleIfError);
    if (set === undefined || !inForce) return undefined;
    if (age >= refreshAfter && mayRetry(at)) void refresh();
    return set;
  };
  const unavailable = (): KeyAnswer => ({
    ok: false,
    reason: 'unavailable',
    retryAfter: Math.max(1, Math.ceil((retryAt - now()) / 1000)),
    cause: lastCause,
  });

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
    const answer = selectKeys(known, hint);
    const { kid } = hint;
    if (answer.ok || kid === undefined || known.keys.some((key) => key.kid === kid)) return answer;
    const at = now();
    if (at < (unknownUntil.get(kid) ?? 0)) return answer;
    if (!mayRetry(at)) return unavailable();
    if (flight === undefined && !takeMiss(at)) return answer;
    return refresh().then(() => {
      if (failures > 0 || set === undefined) return unavailable();
      const again = selectKeys(set, hint);
      if (!again.ok) unknownUntil.set(kid, now() + UNKNOWN_FOR, kid.length * 2 + 100);
      return again;
    });
  };

  return Object.freeze({
    symmetric: false,
    current,
    find: (hint) => {
      const known = current();
      if (known !== undefined) return findIn(known, hint);
      if (!mayRetry(now())) return unavailable();
      return refresh().then(() => {
        const fetched = current();
        return fetched === undefined ? unavailable() : selectKeys(fetched, hint);
      });
    },
  } satisfies KeySource);
}

/** Keys that cannot verify are left out (RFC 7517 §5), and so are secrets: a public set holds none. */
function readKeys(document: Readonly<Record<string, unknown>>): readonly VerificationKey[] {
  const listed = document['keys'];
  if (!Array.isArray(listed)) throw new Error('the key set has no "keys"');
  if (listed.length > MOST_KEYS) throw new Error(`the key set has more than ${MOST_KEYS} keys`);
  return Object.freeze(
    listed
      .map(readVerificationKey)
      .filter((key) => typeof key !== 'string')
      .filter((key) => key.jwk['kty'] !== 'oct'),
  );
}

function randomFraction(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}
