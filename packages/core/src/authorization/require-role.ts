import type { Principal } from '../engine/facts.ts';
import { type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/**
 * Admits a caller who has any one of the roles; to demand several at once, use the policy several times.
 * Roles are compared as they are written, without hierarchy.
 *
 * Denies with `role.insufficient` (403).
 *
 * @throws ConfigurationError without a role, or when one is empty or no string.
 * @example
 * const reports = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireRole('admin', 'auditor'));
 */
export function requireRole(
  ...roles: readonly string[]
): SyncPolicy<{ readonly principal: Principal }, NoFacts, 'grant'> {
  assertConfiguration(
    roles.length > 0,
    'requireRole() needs at least one role; to admit any authenticated caller use ' +
      'allowAuthenticated().',
  );
  for (const role of roles) {
    assertConfiguration(
      typeof role === 'string' && role.trim() !== '',
      `requireRole: ${JSON.stringify(role)} is no role. Pass each role as its own argument.`,
    );
  }
  const wanted = [...new Set(roles)];
  const denied = sharedDenial({
    kind: 'forbidden',
    code: 'role.insufficient',
    detail: 'The caller has none of the roles that this operation needs.',
  });
  return definePolicy({
    name: `requireRole(${wanted.join(', ')})`,
    role: 'grant',
    check: (_request, { principal }: { readonly principal: Principal }) =>
      wanted.some((role) => principal.roles.has(role)) ? pass() : denied,
  });
}
