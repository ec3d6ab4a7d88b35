/** A string of RFC 9651 §3.3.3: quoted and escaped. Undefined where it is not printable ASCII. */
export function serializeString(text: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : undefined;
}
