import { createHash } from 'node:crypto';

/** Longer keys are stored by their digest, so that no caller decides how much memory a key takes. */
const LONGEST_PLAIN = 96;

/**
 * Text as part of a Redis key; texts that differ stay different. UTF-8 turns every lone surrogate into the same
 * character, so such texts go by the digest of their UTF-16 code units, as long ones do.
 */
export function keyPart(text: string): string {
  return text.length <= LONGEST_PLAIN && isWellFormed(text) ? `=${text}` : `#${digest(text)}`;
}

/** A name and a key as the end of a Redis key. The name's length tells where it ends, whatever is in it. */
export function namedKey(name: string, key: string): string {
  return `${name.length}${keyPart(name)}:${keyPart(key)}`;
}

/** A hash tag that is the same for the same text, and holds no brace. */
export function tagOf(text: string): string {
  return digest(text).slice(0, 16);
}

function digest(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url');
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
