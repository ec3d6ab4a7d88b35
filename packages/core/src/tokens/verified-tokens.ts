import type { KeySet, KeySource } from '../crypto/key-source.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** How long and how many verified tokens are remembered. */
export interface VerifiedTokensOptions {
  /** Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** Estimated memory of what is kept, in bytes. Default: 32 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * The longest time for which a verification is relied on, however long the token lives.
   * Default: `5m`. Revocation policies are asked on every call all the same.
   */
  readonly maxRevocationDelay?: Duration | undefined;
}

/** A token that was verified once. */
export interface Verified<T> {
  readonly outcome: T;
  readonly keys: KeySource;
  /** The key set it was verified with; once the source answers another, the verification is void. */
  readonly set: KeySet;
  /** When the token ends, tolerance included; epoch milliseconds. */
  readonly goodUntil: number;
}

/** Verified tokens with their results, by the scheme and the whole token. */
export interface VerifiedTokens<T> {
  readonly recall: (credentials: string, at: number, call: object) => T | undefined;
  readonly remember: (credentials: string, verified: Verified<T>, at: number) => void;
}

/** One entry, and the instants between which it is valid. */
interface Entry<T> extends Omit<Verified<T>, 'goodUntil'> {
  readonly credentials: string;
  readonly from: number;
  readonly until: number;
}

/** Claims as objects take a few times the room of their text; the rest is the sets and the facts. */
const BYTES_PER_CHARACTER = 5;
const BYTES_PER_ENTRY = 1500;

/**
 * Entries are found by the last 258 bits of the signature and then compared as a whole: hashing the whole token, which
 * is a new string in each call, would take longer than everything else here. Nobody can make two valid tokens with the
 * same ending; of those, the later one would be kept.
 */
const ENDING = 43;

/**
 * Remembers verified tokens, and none that were denied: a flood of random tokens leaves no trace.
 *
 * @throws ConfigurationError when a bound is out of range.
 */
export function verifiedTokens<T>(
  policy: string,
  options: false | VerifiedTokensOptions = {},
): VerifiedTokens<T> {
  if (options === false) return { recall: () => undefined, remember: () => undefined };
  const where = `${policy}: cache`;
  assertKnownOptions(where, options, ['maxEntries', 'maxBytes', 'maxRevocationDelay']);
  const { maxEntries = 10_000, maxBytes = 33_554_432 } = options;
  const lifetime = durationMs(where, 'maxRevocationDelay', options.maxRevocationDelay ?? '5m');
  assertConfiguration(
    maxEntries >= 2 && maxBytes > 0,
    `${where}: its bounds must be positive, or say cache: false.`,
  );
  const cache = boundedCache<Entry<T>>({ maxEntries, maxBytes });
  return {
    recall: (credentials, at, call) => {
      const ending = credentials.slice(-ENDING);
      const entry = cache.get(ending);
      if (entry === undefined || entry.credentials !== credentials) return undefined;
      // A clock that was set back may stand before the token's own beginning: verify again.
      const lasts = at >= entry.from && at < entry.until;
      if (lasts && entry.keys.current(call) === entry.set) return entry.outcome;
      cache.delete(ending);
      return undefined;
    },
    remember: (credentials, { outcome, keys, set, goodUntil }, at) => {
      const until = Math.min(goodUntil, at + lifetime);
      const bytes = credentials.length * BYTES_PER_CHARACTER + BYTES_PER_ENTRY;
      // A spread would give each copy its own hidden class, and every call would pay for reading it.
      const entry = { credentials, outcome, keys, set, from: at, until };
      cache.set(credentials.slice(-ENDING), entry, bytes);
    },
  };
}
