import type { Obligations } from '@apisec/core';

/** How much of one limit is used, from 0 to 1. */
export interface LimitUsage {
  readonly name: string;
  readonly used: number;
}

const ITEM = /^"((?:[^"\\]|\\["\\]){1,128})";([qr])=(\d{1,15})(?:;|$)/;
/** As many limits as any guard has. */
const MOST = 16;

/**
 * Reads what limits tell their callers anyway: `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10), as the policies of core write them.
 */
export function limitUsage(obligations: readonly Obligations[]): readonly LimitUsage[] {
  const quotas = new Map<string, number>();
  const found: LimitUsage[] = [];
  for (const { headers } of obligations) {
    for (const edit of headers ?? []) {
      if (edit.op === 'delete' || !edit.name.startsWith('ratelimit')) continue;
      for (const item of edit.value.split(', ').slice(0, MOST)) {
        const [, name, member, digits] = ITEM.exec(item) ?? [];
        if (name === undefined) continue;
        const value = Number(digits);
        if (member === 'q') quotas.set(name, value);
        else {
          const quota = quotas.get(name) ?? 0;
          if (quota > 0 && found.length < MOST) {
            found.push({ name, used: Math.min(1, Math.max(0, 1 - value / quota)) });
          }
        }
      }
    }
  }
  return found;
}
