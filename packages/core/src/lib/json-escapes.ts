const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

const utf8 = new TextEncoder();

/** Bytes of `\uXXXX`. */
const UNIT_LENGTH = 6;

/** The code unit of a backslash and one more byte; 0 if that is not an escape. */
const SHORT = new Uint8Array(256);
for (const [at, char] of utf8.encode('"\\/bfnrt').entries()) {
  SHORT[char] = '"\\/\b\f\n\r\t'.charCodeAt(at);
}
/** Values of hexadecimal digits; -1 for everything else. */
const DIGITS = new Int8Array(256).fill(-1);
for (const [at, char] of utf8.encode('0123456789abcdefABCDEF').entries()) {
  DIGITS[char] = at < 16 ? at : at - 6;
}

/**
 * The index of the quote that closes a string, searched from its first backslash on. `length` if there is none, and
 * `length + 1` if a backslash is the last byte. -1 for a malformed escape, and for half a surrogate pair: every such
 * half becomes the same replacement character once it is stored.
 */
export function endOfEscaped(bytes: Uint8Array, escape: number, length: number): number {
  let at = escape;
  while (at < length) {
    const char = bytes[at] as number;
    if (char === QUOTE) return at;
    if (char !== BACKSLASH) at++;
    else if (at + 1 === length) return length + 1;
    else if (SHORT[bytes[at + 1] as number] !== 0) at += 2;
    else if (bytes[at + 1] !== LOWER_U) return -1;
    else {
      if (at + UNIT_LENGTH > length) return unfinished(bytes, at, length);
      const unit = unitAt(bytes, at);
      at += UNIT_LENGTH;
      if (unit < 0 || isSecondHalf(unit)) return -1;
      if (!isFirstHalf(unit)) continue;
      if (at + UNIT_LENGTH > length) return unfinished(bytes, at, length);
      if (bytes[at] !== BACKSLASH || bytes[at + 1] !== LOWER_U) return -1;
      if (!isSecondHalf(unitAt(bytes, at))) return -1;
      at += UNIT_LENGTH;
    }
  }
  return length;
}

/** More bytes may complete an escape unless the string has ended before. */
function unfinished(bytes: Uint8Array, start: number, length: number): number {
  for (let at = start; at < length; at++) if (bytes[at] === QUOTE) return -1;
  return length;
}

/**
 * Writes the unescaped form of a string with valid escapes, and returns where it ends. Quotes and backslashes become
 * bytes that UTF-8 never contains, so that a stored name never matches raw bytes beyond the end of a string.
 */
export function unescapeInto(
  target: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let to = 0;
  for (let at = start; at < end; ) {
    const char = bytes[at] as number;
    if (char !== BACKSLASH) {
      target[to++] = char;
      at++;
      continue;
    }
    let code = SHORT[bytes[at + 1] as number] as number;
    if (code !== 0) at += 2;
    else {
      code = unitAt(bytes, at);
      at += UNIT_LENGTH;
      if (isFirstHalf(code)) {
        code = 0x1_0000 + ((code & 0x3ff) << 10) + (unitAt(bytes, at) & 0x3ff);
        at += UNIT_LENGTH;
      }
    }
    if (code < 0x80) target[to++] = code === QUOTE ? 0xff : code === BACKSLASH ? 0xfe : code;
    else {
      if (code < 0x800) target[to++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x1_0000) target[to++] = 0xe0 | (code >> 12);
        else {
          target[to++] = 0xf0 | (code >> 18);
          target[to++] = 0x80 | ((code >> 12) & 0x3f);
        }
        target[to++] = 0x80 | ((code >> 6) & 0x3f);
      }
      target[to++] = 0x80 | (code & 0x3f);
    }
  }
  return to;
}

/** The code unit of `\uXXXX`; negative if a digit is invalid. */
function unitAt(bytes: Uint8Array, at: number): number {
  return (
    (digitAt(bytes, at + 2) << 12) |
    (digitAt(bytes, at + 3) << 8) |
    (digitAt(bytes, at + 4) << 4) |
    digitAt(bytes, at + 5)
  );
}

function digitAt(bytes: Uint8Array, at: number): number {
  return DIGITS[bytes[at] as number] as number;
}

function isFirstHalf(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isSecondHalf(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
