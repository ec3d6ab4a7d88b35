import type { LimitKey } from './limit-key.ts';

/** Longer than any name of an account. */
const LONGEST_ACCOUNT = 1_024;

/** One form for names that people and directories take for the same. */
export function alike(key: LimitKey): LimitKey {
  if (typeof key === 'string') return alikeText(key);
  return Array.isArray(key) ? key.map((part: unknown) => alikeText(part) ?? '') : undefined;
}

function alikeText(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > LONGEST_ACCOUNT) return undefined;
  return text.normalize('NFKC').trim().toLowerCase();
}

/** What the caller wrote is one name, or none; what is no text is no key, also where none is needed. */
export function textOnly(key: unknown): LimitKey {
  if (key === undefined || key === null || typeof key === 'string') return key;
  return [];
}
