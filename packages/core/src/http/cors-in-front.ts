import type { PolicyInfo } from '../engine/policy.ts';
import { purposesOf } from '../engine/purposes.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isCors, listsOf } from './has-cors.ts';

/**
 * For adapters, at mount: finds `cors` behind a policy that authenticates. A preflight carries no credentials (Fetch
 * standard, CORS protocol), so that every one of them would be denied, and each call of a page with it.
 *
 * @throws ConfigurationError naming the policy that comes first.
 */
export function assertCorsInFront(where: string, admission: object): void {
  for (const policies of listsOf(admission)) {
    const first = policies.findIndex(authenticates);
    assertConfiguration(
      first < 0 || !policies.slice(first + 1).some(isCors),
      `${where}: cors comes after ${policies[first]?.name}, which denies every preflight: browsers send them without ` +
        'credentials. Put cors first.',
    );
  }
}

function authenticates(policy: PolicyInfo): boolean {
  return policy.mode !== 'shadow' && purposesOf(policy).includes('authentication');
}
