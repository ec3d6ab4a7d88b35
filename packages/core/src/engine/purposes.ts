import type { PolicyInfo, Purpose } from './policy.ts';

/** What a policy is there for on every call that it passes: what it says itself, and what its facts tell. */
export function purposesOf({ purposes = [], adds = [] }: PolicyInfo): readonly Purpose[] {
  const all = new Set(purposes);
  if (adds.includes('principal')) all.add('authentication');
  if (adds.includes('tenant')) all.add('tenant');
  return [...all];
}
