import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { SyncReplayStore } from './replay-store.ts';

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /** Keys that can be remembered at once; a full store cannot answer. Default: 200,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const DEFAULT_CAPACITY = 200_000;
/** A full store looks through all of its keys at most this often. */
const SWEEP_EVERY = 1_000;

/**
 * Remembers in this process what was used. Right for a single process: with several, each would let the
 * same proof through once. When it is full it throws until keys have ended, so a flood can make
 * callers wait but never makes it forget.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryReplayStore({ capacity: 50_000 });
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): SyncReplayStore {
  assertKnownOptions('memoryReplayStore', options, ['capacity', 'now']);
  const { capacity = DEFAULT_CAPACITY, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryReplayStore: capacity must be a whole number of keys, at least 1.',
  );
  /** When each key ends, by the same clock that says how old a proof is: both may be set back. */
  const ends = new Map<string, number>();
  let swept = Number.NEGATIVE_INFINITY;

  const makeRoom = (time: number): boolean => {
    // Keys of one policy live about equally long, so those that have ended stand in front.
    for (const [key, end] of ends) {
      if (end > time) break;
      ends.delete(key);
    }
    if (ends.size < capacity) return true;
    if (Math.abs(time - swept) < SWEEP_EVERY) return false;
    swept = time;
    for (const [key, end] of ends) if (end <= time) ends.delete(key);
    return ends.size < capacity;
  };

  return Object.freeze({
    putIfAbsent: (key: string, ttl: number): boolean => {
      if (!(ttl > 0)) throw new RangeError('memoryReplayStore: ttl must be above 0.');
      const time = now();
      const end = ends.get(key);
      if (end !== undefined && end > time) return false;
      ends.delete(key);
      if (!makeRoom(time)) throw new Error('memoryReplayStore: full.');
      ends.set(key, time + ttl);
      return true;
    },
  });
}
