import type { MaybePromise } from '../maybe-promise.ts';

/** Answers the lines `SUFFIX:COUNT` of all breached passwords whose SHA-1 begins with these five digits. */
export type BreachedRange = (prefix: string) => MaybePromise<string>;

const PREFIX_DIGITS = 5;
const LONGEST_RANGE = 1_048_576;
const encoder = new TextEncoder();

/**
 * Whether a password is on a list that learns nothing but five digits of its hash (k-anonymity). Lines with a
 * count of 0 are padding.
 */
export async function isBreached(password: string, range: BreachedRange): Promise<boolean> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', encoder.encode(password)));
  let digits = '';
  for (const byte of hash) digits += byte.toString(16).padStart(2, '0').toUpperCase();
  const lines = await range(digits.slice(0, PREFIX_DIGITS));
  if (typeof lines !== 'string' || lines.length > LONGEST_RANGE) {
    throw new TypeError('The list of breached passwords answered no lines.');
  }
  // Made of hexadecimal digits alone.
  const suffix = new RegExp(`^${digits.slice(PREFIX_DIGITS)}(?::0*[1-9][0-9]*)?\\s*$`, 'im');
  return suffix.test(lines);
}
