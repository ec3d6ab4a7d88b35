const FIRST_PRIMES = primes(64);
/** The constants of FIPS 180-4 §4.2.2: the first 32 bits of the fractions of cube roots of primes. */
const K = Int32Array.from(FIRST_PRIMES, (prime) => fraction(Math.cbrt(prime)));
/** And of square roots (§5.3.3). */
const START = Int32Array.from(FIRST_PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/**
 * SHA-256 of the UTF-16 code units of a text, in hexadecimal, and at once: WebCrypto answers with a promise, which a
 * policy that guards fields cannot wait for. Code units, since two lone surrogates are one and the same in UTF-8.
 * For texts that are too long to be kept, not for secrets: it takes no care of timing.
 */
export function digestText(text: string): string {
  const bytes = text.length * 2;
  const words = new Int32Array((((bytes + 8) >> 6) + 1) << 4);
  for (let at = 0; at < text.length; at++) {
    words[at >> 1] = get(words, at >> 1) | (text.charCodeAt(at) << (at & 1 ? 0 : 16));
  }
  words[bytes >> 2] = get(words, bytes >> 2) | (0x80 << (24 - (bytes & 3) * 8));
  words[words.length - 2] = Math.floor(bytes / 2 ** 29);
  words[words.length - 1] = bytes << 3;
  const state = Int32Array.from(START);
  const schedule = new Int32Array(64);
  for (let block = 0; block < words.length; block += 16) {
    schedule.set(words.subarray(block, block + 16));
    compress(state, schedule);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** One block (FIPS 180-4 §6.2.2); the first 16 words of `schedule` are its message. */
function compress(state: Int32Array, schedule: Int32Array): void {
  for (let at = 16; at < 64; at++) {
    const [near, far] = [get(schedule, at - 2), get(schedule, at - 15)];
    const s1 = turn(near, 17) ^ turn(near, 19) ^ (near >>> 10);
    const s0 = turn(far, 7) ^ turn(far, 18) ^ (far >>> 3);
    schedule[at] = s1 + get(schedule, at - 7) + s0 + get(schedule, at - 16);
  }
  // Named as in the standard. There are eight words.
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let at = 0; at < 64; at++) {
    const choice = (e & f) ^ (~e & g);
    const one =
      (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + get(K, at) + get(schedule, at)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => {
    state[at] = get(state, at) + word;
  });
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 2 ** 32) | 0;
}

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}

/** Every index here is inside its array. */
function get(from: Int32Array, index: number): number {
  return from[index] as number;
}
