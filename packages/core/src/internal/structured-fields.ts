/** A string of RFC 9651 §3.3.3: quoted and escaped. Undefined where it is not printable ASCII. */
export function serializeString(text: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : undefined;
}

/** A byte sequence of RFC 9651 §3.3.5: base64 between colons. */
export function serializeBytes(bytes: Uint8Array): string {
  return `:${btoa(String.fromCharCode(...bytes))}:`;
}
