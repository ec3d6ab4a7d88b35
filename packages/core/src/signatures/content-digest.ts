import { parseDictionary } from '../lib/parse-structured-fields.ts';
import { serializeDictionary } from '../lib/structured-fields.ts';

/** RFC 9530 §5: those of its algorithms that are fit for this. */
const HASHES: Readonly<Record<string, string>> = { 'sha-256': 'SHA-256', 'sha-512': 'SHA-512' };
const MOST_CHARACTERS = 1_024;

/**
 * What a `Content-Digest` (RFC 9530 §2) says of a body: that it is this one, that it is another one, or nothing
 * that can be read. Every SHA-2 digest in it must be right, and there must be one; others say nothing.
 */
export async function checkContentDigest(
  field: string,
  body: Uint8Array,
): Promise<'right' | 'wrong' | 'unreadable'> {
  if (field.length > MOST_CHARACTERS) return 'unreadable';
  const digests = parseDictionary(field);
  if (digests === undefined) return 'unreadable';
  let answer: 'right' | 'unreadable' = 'unreadable';
  for (const [name, hash] of Object.entries(HASHES)) {
    const member = digests.get(name);
    if (member === undefined) continue;
    if (!('bare' in member) || member.bare.type !== 'bytes') return 'unreadable';
    if (!isSame(member.bare.value, await digest(hash, body))) return 'wrong';
    answer = 'right';
  }
  return answer;
}

/** The `Content-Digest` of a body, with SHA-256. */
export async function contentDigest(body: Uint8Array): Promise<string> {
  const bare = { type: 'bytes', value: await digest('SHA-256', body) } as const;
  // A byte sequence can always be written.
  return serializeDictionary(new Map([['sha-256', { bare, params: new Map() }]])) as string;
}

async function digest(hash: string, body: Uint8Array): Promise<Uint8Array> {
  // A view of shared memory is no BufferSource to WebCrypto: a copy always is one.
  return new Uint8Array(await crypto.subtle.digest(hash, new Uint8Array(body)));
}

/** Both are known to the caller, so the time may tell where they differ. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
