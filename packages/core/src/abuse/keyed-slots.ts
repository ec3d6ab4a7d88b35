import { type HashBits, keyedHash, randomSeed, type Seed } from '../lib/keyed-hash.ts';

/** Slots that one key can be in. */
const WAYS = 16;
/** Twice the slots that are asked for, so that at capacity few sets are full. */
const SPARE = 2;

/** Places for a fixed number of keys. What is kept of each key is up to the caller, by its slot. */
export interface KeyedSlots {
  readonly slots: number;
  readonly sets: number;
  /** The slot of a key, or `~set` where it has none: the set that it would be in. */
  readonly find: (key: string) => number;
  /**
   * Gives the key that `find` was just asked for a slot of its set: the one of the least rank, which loses
   * its key. A rank of 0 or less is free.
   */
  readonly claim: (set: number, rankOf: (slot: number) => number) => number;
}

/**
 * Finds keys by 64 bits of a seeded hash, in memory that is fixed from the start. A slot that was never
 * taken reads as if it held the key whose hash is 0: what is kept of it must say itself that it is nothing.
 */
export function keyedSlots(capacity: number, seed: Seed = randomSeed): KeyedSlots {
  const sets = Math.ceil((capacity * SPARE) / WAYS);
  const slots = sets * WAYS;
  const tags = new Int32Array(slots * 2);
  const bits: HashBits = { low: 0, high: 0 };
  let seeds: readonly [number, number] | undefined;
  return {
    slots,
    sets,
    find: (key) => {
      // Workers forbid randomness before the first request, so the seed waits for it.
      seeds ??= seed();
      keyedHash(key, seeds[0], seeds[1], bits);
      const set = (bits.low >>> 0) % sets;
      const first = set * WAYS;
      for (let slot = first; slot < first + WAYS; slot++) {
        if (tags[slot * 2] === bits.low && tags[slot * 2 + 1] === bits.high) return slot;
      }
      return ~set;
    },
    claim: (set, rankOf) => {
      const first = set * WAYS;
      let chosen = first;
      let least = Number.POSITIVE_INFINITY;
      for (let slot = first; slot < first + WAYS && least > 0; slot++) {
        const rank = rankOf(slot);
        if (rank >= least) continue;
        least = rank;
        chosen = slot;
      }
      tags[chosen * 2] = bits.low;
      tags[chosen * 2 + 1] = bits.high;
      return chosen;
    },
  };
}
