import type { CoverageRow } from '../engine/coverage.ts';
import type { PolicyInfo } from '../engine/policy.ts';

/** For adapters: true where a guard, or one of a table, has `cors` in it, and so must see preflights. */
export function hasCors(admission: object): boolean {
  return listsOf(admission).some((policies) => policies.some(isCors));
}

/** The policies of a guard, or of each row of a table, in their order; none for anything else. */
export function listsOf(admission: object): readonly (readonly PolicyInfo[])[] {
  const { policies, report } = admission as {
    readonly policies?: readonly PolicyInfo[];
    readonly report?: () => readonly CoverageRow[];
  };
  if (policies !== undefined) return [policies];
  return typeof report === 'function' ? report().map((row) => row.policies) : [];
}

/** True for `cors`, and for what has it among its parts. */
export function isCors({ name, parts = [] }: PolicyInfo): boolean {
  return name === 'cors' || parts.some(isCors);
}
