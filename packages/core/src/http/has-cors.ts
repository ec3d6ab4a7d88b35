import type { CoverageRow } from '../engine/coverage.ts';
import type { PolicyInfo } from '../engine/policy.ts';

/** For adapters: true where a guard, or one of a table, has `cors` in it, and so must see preflights. */
export function hasCors(admission: object): boolean {
  const { policies, report } = admission as {
    readonly policies?: readonly PolicyInfo[];
    readonly report?: () => readonly CoverageRow[];
  };
  if (policies !== undefined) return policies.some(isCors);
  return typeof report === 'function' && report().some((row) => row.policies.some(isCors));
}

/** True for `cors`, and for what has it among its parts. */
export function isCors({ name, parts = [] }: PolicyInfo): boolean {
  return name === 'cors' || parts.some(isCors);
}
