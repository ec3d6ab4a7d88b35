/** Where {@link keyedHash} leaves its 64 bits as two signed integers, so that a call allocates nothing. */
export interface HashBits {
  low: number;
  high: number;
}

/**
 * A keyed hash with 64 bits of output, in the manner of HalfSipHash-1-3: its rounds, and both halves of its last
 * state. Without the seed nobody can find texts that meet; by chance two of `n` texts do with a
 * probability of `n * n / 2 ** 65`. For tables in memory, not for anything that others see.
 */
export function keyedHash(text: string, seed0: number, seed1: number, out: HashBits): void {
  const { length } = text;
  let v0 = seed0 | 0;
  let v1 = seed1 | 0;
  let v2 = 0x6c796765 ^ seed0;
  let v3 = 0x74656462 ^ seed1;
  // The low bytes of four code units to a word; then, where a text has more than low bytes, all the high
  // ones; then the length, which tells where which began; then three rounds on nothing.
  const full = length >> 2;
  let all = 0;
  // Most of the time goes here, so this loop has nothing to ask.
  for (let step = 0, at = 0; step < full; step++, at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    all |= a | b | c | d;
    const word = (a & 255) | ((b & 255) << 8) | ((c & 255) << 16) | (d << 24);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  for (let at = full << 2; at < length; at++) all |= text.charCodeAt(at);
  const words = (length + 3) >> 2;
  const total = all > 255 ? 2 * words + 1 : words + 1;
  // The same round, for all that is not four code units.
  for (let step = full; step < total + 3; step++) {
    let word = 0;
    if (step < total - 1) {
      const high = step < words ? 0 : 8;
      const from = (high === 0 ? step : step - words) << 2;
      for (let at = from, shift = 0; shift < 32 && at < length; at++, shift += 8) {
        word |= ((text.charCodeAt(at) >> high) & 255) << shift;
      }
    } else if (step === total - 1) word = length;
    else if (step === total) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  out.low = v1 ^ v3;
  out.high = v0 ^ v2;
}

/** Two random 32-bit numbers. */
export type Seed = () => readonly [number, number];

/** A seed that nobody knows. */
export function randomSeed(): readonly [number, number] {
  const [first = 0, second = 0] = crypto.getRandomValues(new Int32Array(2));
  return [first, second];
}
