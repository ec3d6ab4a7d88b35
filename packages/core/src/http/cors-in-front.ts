import type { CoverageRow } from '../engine/coverage.ts';
import type { PolicyInfo } from '../engine/policy.ts';
import { purposesOf } from '../engine/purposes.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isCors } from './has-cors.ts';

/**
 * For adapters, at mount: finds `cors` behind a policy that authenticates. A preflight carries no credentials (Fetch
 * standard, CORS protocol), so that every one of them would be denied, and each call of a page with it.
 *
 * @throws ConfigurationError naming the policy that stands in front.
 */
export function assertCorsInFront(where: string, admission: object): void {
  const { policies, report } = admission as {
    readonly policies?: readonly PolicyInfo[];
    readonly report?: () => readonly CoverageRow[];
  };
  if (policies !== undefined) assertInFront(where, policies);
  else if (typeof report === 'function')
    for (const row of report()) assertInFront(where, row.policies);
}

function assertInFront(where: string, policies: readonly PolicyInfo[]): void {
  const first = policies.findIndex(authenticates);
  assertConfiguration(
    first < 0 || !policies.slice(first + 1).some(isCors),
    `${where}: cors stands behind ${policies[first]?.name}, which denies every preflight: browsers send none with ` +
      'credentials. Put cors in front.',
  );
}

function authenticates(policy: PolicyInfo): boolean {
  return policy.mode !== 'shadow' && purposesOf(policy).includes('authentication');
}
