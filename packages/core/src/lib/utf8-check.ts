/** As many bytes are looked at four by four. */
const MANY = 64;

/** Whether bytes that come in pieces are UTF-8. */
export interface Utf8Check {
  /** False as soon as they cannot be. */
  readonly push: (bytes: Uint8Array) => boolean;
  /** False where the last character is not complete. */
  readonly end: () => boolean;
}

/** Asks a decoder from the first byte on that is not ASCII: what it makes is thrown away, and most of JSON is ASCII. */
export function utf8Check(): Utf8Check {
  let decoder: TextDecoder | undefined;
  const decodes = (bytes?: Uint8Array): boolean => {
    try {
      if (bytes === undefined) decoder?.decode();
      else decoder?.decode(bytes, { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  return {
    push: (bytes) => {
      if (decoder === undefined && isAscii(bytes)) return true;
      decoder ??= new TextDecoder('utf-8', { fatal: true });
      return decodes(bytes);
    },
    end: () => decodes(),
  };
}

function isAscii(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  let all = 0;
  let at = 0;
  if (length >= MANY) {
    // Words begin at multiples of four.
    const head = (4 - (byteOffset & 3)) & 3;
    for (; at < head; at++) all |= bytes[at] ?? 0;
    const words = new Int32Array(buffer, byteOffset + head, (length - head) >> 2);
    const { length: count } = words;
    let word = 0;
    let index = 0;
    for (; index + 3 < count; index += 4) {
      word |=
        (words[index] ?? 0) |
        (words[index + 1] ?? 0) |
        (words[index + 2] ?? 0) |
        (words[index + 3] ?? 0);
    }
    for (; index < count; index++) word |= words[index] ?? 0;
    if ((word & 0x80_80_80_80) !== 0) return false;
    at += words.length * 4;
  }
  for (; at < length; at++) all |= bytes[at] ?? 0;
  return all < 0x80;
}
