import { type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';

const policy: SyncPolicy<NoFacts, NoFacts, 'grant'> = definePolicy({
  name: 'allowAnonymous',
  role: 'grant',
  needs: [],
  adds: [],
  check: () => pass(),
});

/**
 * Admits every call that the checks before it let through, from any caller. Says in the guard itself
 * that an endpoint is open on purpose. Denies nothing.
 *
 * @example
 * const status = guard().use(securityHeaders()).use(allowAnonymous());
 */
export function allowAnonymous(): SyncPolicy<NoFacts, NoFacts, 'grant'> {
  return policy;
}
