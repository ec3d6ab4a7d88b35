import type { Denial, MaybePromise } from '@apisec/core';
import { wordedDenials } from '../worded-denials.ts';

/**
 * Programs do not agree on half a surrogate pair. A control character cannot be typed in most of them; and in a MAC,
 * which is what most hashes are made of, a key with a NUL behind it is the same key.
 */
const NO_TEXT = /[\p{Surrogate}\p{Cc}]/u;

/** The text that counts, in the one form of it that is hashed; or why there is none. */
export function readPassword(
  password: unknown,
  maxLength: number,
): { readonly text: string } | PasswordDenial {
  if (typeof password !== 'string') return passwordDenial('password.malformed');
  // Normalising makes one character of four units at the most, so no password that may be is longer.
  if (password.length > maxLength * 4) return passwordDenial('password.too_long');
  if (NO_TEXT.test(password)) return passwordDenial('password.malformed');
  const text = password.normalize('NFKC');
  return lengthOf(text) > maxLength ? passwordDenial('password.too_long') : { text };
}

/** In characters as Unicode counts them. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** Answers the lines `SUFFIX:COUNT` of all breached passwords whose SHA-1 begins with these five digits. */
export type BreachedRange = (prefix: string) => MaybePromise<string>;

const PREFIX_DIGITS = 5;
const LONGEST_RANGE = 1_048_576;
const ENTRY = /^([0-9a-f]{35})(?::([0-9]{1,12}))?$/i;
const encoder = new TextEncoder();

/**
 * Whether a password is on a list that learns nothing but five digits of its hash (k-anonymity). Lines with a
 * count of 0 are padding. Throws for what is not such a list: an error page says nothing of any password.
 */
export async function isBreached(password: string, range: BreachedRange): Promise<boolean> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', encoder.encode(password)));
  let digits = '';
  for (const byte of hash) digits += byte.toString(16).padStart(2, '0').toUpperCase();
  const lines = await range(digits.slice(0, PREFIX_DIGITS));
  if (typeof lines !== 'string' || lines.length > LONGEST_RANGE) {
    throw new TypeError('The list of breached passwords did not answer with lines.');
  }
  const suffix = digits.slice(PREFIX_DIGITS);
  let found = false;
  for (const line of lines.split('\n')) {
    const text = line.trim();
    if (text === '') continue;
    const [, rest, count] = ENTRY.exec(text) ?? [];
    if (rest === undefined)
      throw new TypeError('The list of breached passwords has lines in another format.');
    if (rest.toUpperCase() === suffix && (count === undefined || Number(count) > 0)) found = true;
  }
  return found;
}

const SHORTEST_WORD = 3;
const MOST_WORDS = 64;
const MOST_PARTS = 256;
/** What must be left of a password without the words that everybody knows. */
const LEAST_REST = 8;
/** Between the parts of names and email addresses. */
const SEPARATORS = /[^\p{L}\p{N}]+/u;

/**
 * True for a password that is mostly made of the names of service and account: too little is left without
 * them. `password` is in lower case; words may be names, email addresses, anything.
 */
export function leansOnContext(password: string, context: readonly string[]): boolean {
  const words = context
    .slice(0, MOST_WORDS)
    .map((word) => word.slice(0, 256).normalize('NFKC').toLowerCase())
    .flatMap((word) => [word, ...word.split(SEPARATORS)])
    .filter((word) => word.length >= SHORTEST_WORD)
    .slice(0, MOST_PARTS)
    // Longer words first, since they may contain shorter ones.
    .toSorted((one, other) => other.length - one.length);
  let rest = password;
  // The gap keeps two halves from making a new word.
  for (const word of words) rest = rest.replaceAll(word, '\0');
  return rest !== password && rest.replaceAll('\0', '').length < LEAST_REST;
}

/** Why a password is denied. */
export interface PasswordDenial {
  readonly ok: false;
  /** To deny with: `denyWith(result.denial)`. */
  readonly denial: Denial;
}

/** Codes of `passwords`. */
export type PasswordDenialCode =
  | 'password.malformed'
  | 'password.too_short'
  | 'password.too_long'
  | 'password.repetitive'
  | 'password.contextual'
  | 'password.common'
  | 'password.breached'
  | 'password.wrong'
  | 'password.changed_meanwhile'
  | 'password.sessions_remain'
  | 'password.unavailable';

const worded = wordedDenials<PasswordDenialCode>({
  'password.malformed': ['malformed', 'The password is not text.'],
  'password.too_short': ['malformed', 'The password is too short.'],
  'password.too_long': ['malformed', 'The password is too long.'],
  'password.repetitive': ['malformed', 'The password has too few different characters.'],
  'password.contextual': ['malformed', 'The password is made of names that are easy to guess.'],
  'password.common': ['malformed', 'The password is too common.'],
  'password.breached': ['malformed', 'The password has appeared in a data breach.'],
  'password.wrong': ['unauthenticated', 'The account or the password is wrong.'],
  'password.changed_meanwhile': [
    'unavailable',
    'The password was changed at the same moment. Try again.',
  ],
  'password.sessions_remain': [
    'unavailable',
    'The password was changed. Other sessions may still be open; sign out everywhere.',
  ],
  'password.unavailable': ['unavailable', 'The password cannot be checked at the moment.'],
});

/** Words a denial. */
export function passwordDenial(code: PasswordDenialCode, cause?: unknown): PasswordDenial {
  return { ok: false, denial: worded(code, cause === undefined ? undefined : { cause }) };
}
