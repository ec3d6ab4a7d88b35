import { digestText } from '../lib/digest.ts';

/** Who is counted: one name, or several parts that count together. Nothing and empty are no key. */
export type LimitKey = string | readonly string[] | null | undefined;

/** What a store must take at most, in UTF-16 code units. */
const LONGEST_KEY = 8_192;
/** What plain keys are told from others by; a plain key that begins with it is marked as well. */
const MARK = '\0';

/** The key of a limit that all callers share. */
export const EVERYONE: string = `${MARK}*`;

/**
 * One string for a key and its tenant, different for all that differ: parts carry their length, so that no
 * separator in them can shift the border. What is longer than a store must take stands as its SHA-256. Undefined
 * where there is no key.
 */
export function encodeLimitKey(key: LimitKey, tenant: string | undefined): string | undefined {
  const encoded = typeof key === 'string' ? plain(key) : joined(key);
  if (encoded === undefined || tenant === '') return undefined;
  const whole = tenant === undefined ? encoded : `${MARK}t${measured(tenant)}${encoded}`;
  return encodeWhole(whole);
}

/** The key of a limit that all callers share, or all of one tenant. */
export function everyoneOf(tenant: string | undefined): string | undefined {
  if (tenant === undefined) return EVERYONE;
  return tenant === '' ? undefined : encodeWhole(`${MARK}t${measured(tenant)}${EVERYONE}`);
}

function encodeWhole(whole: string): string {
  return whole.length <= LONGEST_KEY ? whole : `${MARK}h${digestText(whole)}`;
}

function plain(key: string): string | undefined {
  if (key === '') return undefined;
  return key.startsWith(MARK) ? `${MARK}s${key}` : key;
}

function joined(parts: Exclude<LimitKey, string>): string | undefined {
  if (!Array.isArray(parts) || parts.length === 0) return undefined;
  let whole = `${MARK}p`;
  for (const part of parts as readonly unknown[]) {
    if (typeof part !== 'string' || part === '') return undefined;
    whole += measured(part);
  }
  return whole;
}

function measured(part: string): string {
  return `${part.length}:${part}`;
}
