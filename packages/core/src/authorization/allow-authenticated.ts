import type { Principal } from '../engine/facts.ts';
import { type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';

const nobody = sharedDenial({
  kind: 'unauthenticated',
  code: 'principal.missing',
  cause: 'no policy in front has identified the caller: add one like authenticateJwt',
});

const policy: SyncPolicy<{ readonly principal: Principal }, NoFacts, 'grant'> = definePolicy({
  name: 'allowAuthenticated',
  role: 'grant',
  needs: ['principal'],
  adds: [],
  // The type demands a principal; plain JavaScript can leave the authentication away.
  check: (_request, facts: { readonly principal: Principal | undefined }) =>
    facts.principal ? pass() : nobody,
});

/**
 * Admits every caller that an `authenticate*` policy before it has identified, whatever their rights.
 * Denies with `principal.missing` (401) where nobody was identified.
 *
 * @example
 * const profile = guard().use(authenticateJwt({ issuer, audience })).use(allowAuthenticated());
 */
export function allowAuthenticated(): SyncPolicy<
  { readonly principal: Principal },
  NoFacts,
  'grant'
> {
  return policy;
}
