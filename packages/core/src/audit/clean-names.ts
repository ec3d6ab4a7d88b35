import { boundedCache } from '../lib/bounded-cache.ts';
import { redactName } from './redact.ts';
import { safeText } from './safe-text.ts';

const NAME = 256;

/** The name as an event may hold it: without what looks like a secret, safe to print, and cut. */
export type CleanName = (value: unknown, secrets: readonly string[]) => string | undefined;

/** Names come again and again: operations, principals, policies. They are cleaned once. */
export function nameCleaner(): CleanName {
  const clean = boundedCache<string>({ maxEntries: 4_096, maxBytes: 2 << 20 });
  return (value, secrets) => {
    if (typeof value !== 'string' || value === '') return undefined;
    if (secrets.length > 0) return safeText(redactName(value, secrets), NAME);
    const before = clean.get(value);
    if (before !== undefined) return before;
    const safe = safeText(redactName(value), NAME);
    if (value.length <= NAME) clean.set(value, safe, 4 * value.length + 64);
    return safe;
  };
}
