import { encodeBase64url } from './base64url.ts';

const utf8 = new TextEncoder();

/** SHA-256 in base64url, as `ath`, `jkt` and `x5t#S256` write it. */
export async function sha256(input: string | Uint8Array): Promise<string> {
  // A view of shared memory is no BufferSource to WebCrypto: a copy always is one.
  const bytes = typeof input === 'string' ? utf8.encode(input) : new Uint8Array(input);
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Compares every character, so that the time tells nothing but the lengths. */
export function equalInConstantTime(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let index = 0; index < one.length; index++) {
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index);
  }
  return difference === 0;
}

/** The beginning of a hash, for causes: a whole one looks like a secret, and no log would show it. */
export function beginningOf(hash: unknown): string {
  const text = typeof hash === 'string' ? hash : typeof hash;
  return text.length > 12 ? `${text.slice(0, 12)}…` : text;
}
