const FIRST_PRIMES = primes(64);
/** The constants of FIPS 180-4 §4.2.2: the first 32 bits of the fractions of cube roots of primes. */
const K = FIRST_PRIMES.map((prime) => fraction(Math.cbrt(prime)));
/** And of square roots (§5.3.3). */
const START = FIRST_PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

/**
 * SHA-256 of the UTF-16 code units of a text, in hexadecimal, and at once: WebCrypto answers with a promise, which a
 * policy that guards fields cannot wait for. Code units, since two lone surrogates are one and the same in UTF-8.
 * For texts that are too long to be kept, not for secrets: it takes no care of timing.
 */
export function digestText(text: string): string {
  const { length } = text;
  const words = new Int32Array((((length * 2 + 8) >> 6) + 1) << 4);
  // The bit behind the text is the one that ends it.
  const put = (unit: number, at: number): void => {
    words[at >> 1] = get(words, at >> 1) | (unit << (at & 1 ? 0 : 16));
  };
  for (let at = 0; at < length; at++) put(text.charCodeAt(at), at);
  put(0x8000, length);
  words[words.length - 2] = Math.floor(length / 2 ** 28);
  words[words.length - 1] = length << 4;
  let state: readonly number[] = START;
  for (let at = 0; at < words.length; at += 16)
    state = compress(state, words.subarray(at, at + 16));
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** One block (FIPS 180-4 §6.2.2). */
function compress(before: readonly number[], block: Int32Array): readonly number[] {
  const schedule = [...block];
  // Named as in the standard. There are eight words.
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = before;
  for (let at = 0; at < 64; at++) {
    const [near, far] = [get(schedule, at + 14), get(schedule, at + 1)];
    schedule.push(
      (get(schedule, at) +
        (turn(far, 7) ^ turn(far, 18) ^ (far >>> 3)) +
        get(schedule, at + 9) +
        (turn(near, 17) ^ turn(near, 19) ^ (near >>> 10))) |
        0,
    );
    const one =
      h +
      (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
      ((e & f) ^ (~e & g)) +
      get(K, at) +
      get(schedule, at);
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, at) => (word + get(before, at)) | 0);
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(root: number): number {
  return ((root % 1) * 2 ** 32) | 0;
}

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}

/** Every index here is inside its array. */
function get(from: ArrayLike<number>, index: number): number {
  return from[index] as number;
}
