import { type PasswordRefusal, passwordRefusal } from './password-refusals.ts';

/**
 * Half a character is not the same in the next program. A control character cannot be typed in most; and in a MAC,
 * which is what most hashes are made of, a key with a NUL behind it is the same key.
 */
const NO_TEXT = /[\p{Surrogate}\p{Cc}]/u;

/** The text that counts, in the one form of it that is hashed; or why there is none. */
export function readPassword(
  password: unknown,
  maxLength: number,
): { readonly text: string } | PasswordRefusal {
  if (typeof password !== 'string') return passwordRefusal('password.malformed');
  // Normalising makes one character of four units at the most, so no password that may be is longer.
  if (password.length > maxLength * 4) return passwordRefusal('password.too_long');
  if (NO_TEXT.test(password)) return passwordRefusal('password.malformed');
  const text = password.normalize('NFKC');
  return lengthOf(text) > maxLength ? passwordRefusal('password.too_long') : { text };
}

/** In characters as Unicode counts them. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
