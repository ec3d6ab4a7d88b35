/** Where {@link keyedHash} leaves its 64 bits, so that a call allocates nothing. */
export interface HashBits {
  low: number;
  high: number;
}

/**
 * HalfSipHash-1-3 with 64 bits of output over the UTF-16 code units of `text`. Without the seed nobody can find
 * texts that meet; by chance two of `n` texts do with a probability of `n * n / 2 ** 65`.
 */
export function keyedHash(text: string, seed0: number, seed1: number, out: HashBits): void {
  const { length } = text;
  let v0 = seed0;
  let v1 = seed1 ^ 0xee;
  let v2 = 0x6c796765 ^ seed0;
  let v3 = 0x74656462 ^ seed1;
  // Two code units to a word, then a word with the length; then three rounds for each half of the output.
  const words = (length + 1) >> 1;
  for (let step = 0; step <= words + 6; step++) {
    let word = 0;
    if (step < words) {
      const at = step << 1;
      // charCodeAt answers NaN past the end, which the shift turns into 0.
      word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
    } else if (step === words) word = length;
    else if (step === words + 1) v2 ^= 0xee;
    else if (step === words + 4) {
      out.low = (v1 ^ v3) >>> 0;
      v1 ^= 0xdd;
    }
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
  out.high = (v1 ^ v3) >>> 0;
}
