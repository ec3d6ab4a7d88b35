import type { CoverageRow } from '../engine/coverage.ts';
import type { PolicyInfo } from '../engine/policy.ts';

/** For adapters: true where a guard, or one of a table, has `cors` in it, and so must see preflights. */
export function hasCors(admission: object): boolean {
  const { policies, report } = admission as {
    readonly policies?: readonly PolicyInfo[];
    readonly report?: () => readonly CoverageRow[];
  };
  if (policies !== undefined) return contains(policies);
  return typeof report === 'function' && report().some((row) => contains(row.policies));
}

function contains(policies: readonly PolicyInfo[]): boolean {
  return policies.some(({ name, parts = [] }) => name === 'cors' || contains(parts));
}
