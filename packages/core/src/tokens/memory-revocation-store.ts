import type { RevocationEntry, SyncRevocationStore } from '../contracts/revocation-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link memoryRevocationStore}. */
export interface MemoryRevocationStoreOptions {
  /** Keys that can be remembered at once; a full store takes no more. Default: 200,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** All in epoch milliseconds; `-Infinity` for what was never said. */
interface Revoked {
  outrightUntil: number;
  issuedBefore: number;
  beforeUntil: number;
}

const NEVER = Number.NEGATIVE_INFINITY;
/** A full store looks through all of its keys at most this often. */
const SWEEP_EVERY = 1_000;

/**
 * Remembers in this process what was revoked. Right for a single process: with several, each knows only its own
 * revocations. When it is full, `revoke` throws until entries have ended: a flood never makes it forget.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryRevocationStore({ capacity: 50_000 });
 */
export function memoryRevocationStore(
  options: MemoryRevocationStoreOptions = {},
): SyncRevocationStore {
  assertKnownOptions('memoryRevocationStore', options, ['capacity', 'now']);
  const { capacity = 200_000, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryRevocationStore: capacity must be a whole number of keys, at least 1.',
  );
  const entries = new Map<string, Revoked>();
  let swept = NEVER;

  const makeRoom = (time: number): void => {
    if (entries.size < capacity) return;
    if (Math.abs(time - swept) >= SWEEP_EVERY) {
      swept = time;
      for (const [key, entry] of entries) if (!isLive(entry, time)) entries.delete(key);
    }
    if (entries.size >= capacity) throw new Error('memoryRevocationStore: full.');
  };

  return Object.freeze({
    revoke: ({ key, issuedBefore, ttl }: RevocationEntry): void => {
      if (!(ttl > 0)) throw new RangeError('memoryRevocationStore: ttl must be above 0.');
      if (Number.isNaN(issuedBefore)) {
        throw new RangeError('memoryRevocationStore: issuedBefore must be a time.');
      }
      const time = now();
      const until = time + ttl;
      let entry = entries.get(key);
      if (entry === undefined) {
        makeRoom(time);
        entry = { outrightUntil: NEVER, issuedBefore: NEVER, beforeUntil: NEVER };
        entries.set(key, entry);
      }
      if (issuedBefore === undefined) {
        entry.outrightUntil = Math.max(entry.outrightUntil, until);
        return;
      }
      // An epoch that has ended says nothing any more, and must not come back with a younger one.
      const before = entry.beforeUntil > time ? entry.issuedBefore : NEVER;
      entry.issuedBefore = Math.max(before, issuedBefore);
      entry.beforeUntil = Math.max(entry.beforeUntil, until);
    },
    lift: (key: string): void => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.outrightUntil = NEVER;
      if (!isLive(entry, now())) entries.delete(key);
    },
    isRevoked: (keys: readonly string[], issuedAt: number): boolean => {
      if (entries.size === 0) return false;
      const time = now();
      for (const key of keys) {
        const entry = entries.get(key);
        if (entry === undefined) continue;
        if (entry.outrightUntil > time) return true;
        // Not "issuedAt < issuedBefore": what is no number was issued before everything.
        if (entry.beforeUntil > time && !(issuedAt >= entry.issuedBefore)) return true;
      }
      return false;
    },
  });
}

function isLive({ outrightUntil, beforeUntil }: Revoked, time: number): boolean {
  return outrightUntil > time || beforeUntil > time;
}
