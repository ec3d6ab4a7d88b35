import { decodeBase64url, sha256 } from '@apisec/core/host';

/** What clients call a document: the SHA-256 of its text, in hexadecimal. */
export async function documentHash(text: string): Promise<string> {
  const bytes = decodeBase64url(await sha256(text)) ?? [];
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
