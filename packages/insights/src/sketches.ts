/**
 * Sketches: what can be said of very many values in little memory, with a known error. Each is plain arithmetic on
 * typed arrays. Their hash begins with a random seed; it is not cryptography, and nothing that denies hangs on it.
 */

/** 32 bits of a keyed hash (a finished FNV-1a over UTF-16); two seeds give two independent ones. */
export function hash32(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** How many distinct values there were, within about three per cent. */
export interface DistinctCount {
  readonly add: (value: string) => void;
  readonly count: () => number;
  /** As bytes, for {@link DistinctCount.merge} of a sketch with the same seed. */
  readonly encode: () => Uint8Array;
  /** Counts what another one counted, too. Throws for what no sketch was encoded to. */
  readonly merge: (encoded: Uint8Array) => void;
}

const REGISTER_BITS = 10;
const REGISTERS = 1 << REGISTER_BITS;
/** Flajolet and others 2007, for as many registers. */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/** Encoded whole, a sketch is this byte and its registers; sparse, this byte and three for each that is not empty. */
const WHOLE = 1;
const SPARSE = 2;

/** HyperLogLog in one kilobyte. */
export function distinctCount(seed: number): DistinctCount {
  const registers = new Uint8Array(REGISTERS);
  const raise = (index: number, rank: number): void => {
    assertReadable(index < REGISTERS && rank <= 32);
    if (rank > (registers[index] ?? 0)) registers[index] = rank;
  };
  return {
    add: (value) => {
      const hash = hash32(value, seed);
      const index = hash >>> (32 - REGISTER_BITS);
      raise(index, Math.clz32((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))) + 1);
    },
    encode: () => {
      const sparse = [SPARSE];
      for (const [index, rank] of registers.entries()) {
        if (rank > 0) sparse.push(index >> 8, index & 255, rank);
      }
      return Uint8Array.from(sparse.length > REGISTERS ? [WHOLE, ...registers] : sparse);
    },
    merge: ([format, ...bytes]) => {
      const isWhole = format === WHOLE && bytes.length === REGISTERS;
      assertReadable(isWhole || (format === SPARSE && bytes.length % 3 === 0));
      if (isWhole) for (const [index, rank] of bytes.entries()) raise(index, rank);
      else {
        for (let at = 0; at < bytes.length; at += 3) {
          raise(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0), bytes[at + 2] ?? 0);
        }
      }
    },
    count: () => {
      let sum = 0;
      let empty = 0;
      for (const rank of registers) {
        sum += 2 ** -rank;
        if (rank === 0) empty++;
      }
      const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
      // Few values are counted better by the registers that are empty.
      return Math.round(
        raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw,
      );
    },
  };
}

/** Quantiles of positive numbers, within two per cent of the value. */
export interface Quantiles {
  readonly add: (value: number) => void;
  readonly count: () => number;
  /** Zero where nothing was added. */
  readonly at: (quantile: number) => number;
  /** The part of all that was larger. */
  readonly above: (value: number) => number;
  /** As bytes, for {@link Quantiles.merge}. */
  readonly encode: () => Uint8Array;
  /** Counts what another one counted, too. Throws for what none was encoded to. */
  readonly merge: (encoded: Uint8Array) => void;
}

const GROWTH = 1.04;
const LOG_GROWTH = Math.log(GROWTH);
/** From a thousandth to about 10^9. */
const SMALLEST = 0.001;
const BUCKETS = 705;

function bucketOf(value: number): number {
  const bucket = value <= SMALLEST ? 0 : Math.ceil(Math.log(value / SMALLEST) / LOG_GROWTH);
  return Math.min(bucket, BUCKETS - 1);
}

/** A histogram whose buckets grow by four per cent, in under three kilobytes. */
export function quantiles(): Quantiles {
  const buckets = new Uint32Array(BUCKETS);
  let total = 0;
  return {
    add: (value) => {
      if (!(value >= 0)) return;
      const index = bucketOf(value);
      buckets[index] = (buckets[index] ?? 0) + 1;
      total++;
    },
    count: () => total,
    encode: () => {
      const numbers: number[] = [];
      let before = -1;
      for (const [index, counted] of buckets.entries()) {
        if (counted === 0) continue;
        numbers.push(index - before - 1, counted);
        before = index;
      }
      return Uint8Array.from([HISTOGRAM, ...numbers.flatMap(toVarint)]);
    },
    merge: ([format, ...bytes]) => {
      assertReadable(format === HISTOGRAM);
      const numbers = fromVarints(bytes);
      assertReadable(numbers.length % 2 === 0);
      let index = -1;
      for (let at = 0; at < numbers.length; at += 2) {
        index += (numbers[at] ?? 0) + 1;
        assertReadable(index < BUCKETS);
        buckets[index] = (buckets[index] ?? 0) + (numbers[at + 1] ?? 0);
        total += numbers[at + 1] ?? 0;
      }
    },
    above: (value) => {
      let more = 0;
      for (let index = bucketOf(value) + 1; index < BUCKETS; index++) more += buckets[index] ?? 0;
      return total === 0 ? 0 : more / total;
    },
    at: (quantile) => {
      if (total === 0) return 0;
      const rank = Math.max(1, Math.ceil(quantile * total));
      let seen = 0;
      for (let index = 0; index < BUCKETS; index++) {
        seen += buckets[index] ?? 0;
        // The middle of the bucket, by its logarithm.
        if (seen >= rank) return SMALLEST * GROWTH ** (index - 0.5);
      }
      return SMALLEST * GROWTH ** BUCKETS;
    },
  };
}

/** Encoded, a histogram is this byte, and for each bucket that is not empty the distance to it and its count. */
const HISTOGRAM = 1;

/** LEB128, as protocol buffers have it. */
function toVarint(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) | 128);
  }
}

function fromVarints(bytes: readonly number[]): readonly number[] {
  const numbers: number[] = [];
  let number = 0;
  let factor = 1;
  for (const byte of bytes) {
    number += (byte & 127) * factor;
    factor *= 128;
    assertReadable(number < 2 ** 32);
    if (byte >= 128) continue;
    numbers.push(number);
    number = 0;
    factor = 1;
  }
  assertReadable(factor === 1);
  return numbers;
}

function assertReadable(isReadable: boolean): void {
  if (!isReadable) throw new Error('usage: a stored sketch cannot be read');
}
