import type { VerificationKey } from '../../key-source.ts';

/** The text that a key's thumbprint is the hash of: its defining members, sorted (RFC 7638 §3). */
export function thumbprintInput({ jwk }: VerificationKey): string {
  const members = Object.entries(jwk).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(Object.fromEntries(members));
}
