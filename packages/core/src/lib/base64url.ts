const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const INVALID = 255;
const values = new Uint8Array(128).fill(INVALID);
for (let index = 0; index < ALPHABET.length; index++) values[ALPHABET.charCodeAt(index)] = index;

/**
 * The bytes of base64url text (RFC 4648 §5) in its one canonical form; undefined for padding, white space,
 * any other character, and bits that are set but carry nothing. `start` and `end` cut a part out of
 * `text` without a copy.
 */
export function decodeBase64url(
  text: string,
  start = 0,
  end: number = text.length,
): Uint8Array<ArrayBuffer> | undefined {
  const length = end - start;
  const rest = length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array((length * 3) >> 2);
  const whole = end - rest;
  let to = 0;
  for (let from = start; from < whole; from += 4) {
    const a = valueAt(text, from);
    const b = valueAt(text, from + 1);
    const c = valueAt(text, from + 2);
    const d = valueAt(text, from + 3);
    if ((a | b | c | d) > 63) return undefined;
    bytes[to++] = (a << 2) | (b >> 4);
    bytes[to++] = (b << 4) | (c >> 2);
    bytes[to++] = (c << 6) | d;
  }
  if (rest === 0) return bytes;
  const a = valueAt(text, whole);
  const b = valueAt(text, whole + 1);
  const c = rest === 3 ? valueAt(text, whole + 2) : 0;
  const unused = rest === 3 ? c & 0b11 : b & 0b1111;
  if ((a | b | c) > 63 || unused !== 0) return undefined;
  bytes[to++] = (a << 2) | (b >> 4);
  if (rest === 3) bytes[to] = (b << 4) | (c >> 2);
  return bytes;
}

/** 0 to 63, or {@link INVALID}. */
function valueAt(text: string, index: number): number {
  return values[text.charCodeAt(index)] ?? INVALID;
}

/** Bytes as base64url text without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += charAt(bits >> 18) + charAt(bits >> 12) + charAt(bits >> 6) + charAt(bits);
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3));
}

function charAt(bits: number): string {
  return ALPHABET.charAt(bits & 63);
}
