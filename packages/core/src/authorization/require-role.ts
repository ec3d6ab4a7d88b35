import { denyWith, type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type HeldRolesOptions, heldRoles, meet, type PrincipalFacts } from './held-roles.ts';
import type { RoleInclusions } from './role-model.ts';

/**
 * Admits a caller who has any one of the roles; to demand several at once, use the policy several times. Without
 * a model, roles are compared as they are written. With one, whoever has a role that includes the named one is
 * admitted as well, and a role that the model does not know does not compile.
 *
 * Denies with `role.insufficient` (403).
 *
 * @throws ConfigurationError without a role, when one is empty or not a string, or unknown to the model.
 * @example
 * const reports = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireRole('admin', 'auditor'));
 *
 * const drafts = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireRole(model, 'editor'));
 */
export function requireRole(
  ...roles: readonly string[]
): SyncPolicy<PrincipalFacts, NoFacts, 'grant'>;
export function requireRole<R extends string>(
  model: RoleInclusions<R>,
  role: NoInfer<R> | readonly NoInfer<R>[],
): SyncPolicy<PrincipalFacts, NoFacts, 'grant'>;
export function requireRole<R extends string, Needs extends object>(
  model: RoleInclusions<R>,
  role: NoInfer<R> | readonly NoInfer<R>[],
  options: HeldRolesOptions<Needs>,
): SyncPolicy<Needs, NoFacts, 'grant'>;
export function requireRole(
  ...args: readonly unknown[]
): SyncPolicy<PrincipalFacts, NoFacts, 'grant'> {
  const [model, role, options] = args;
  if (isModel(model)) {
    const roles = listRoles(Array.isArray(role) ? role : [role]);
    const holders = new Set(roles.flatMap((each) => [...model.rolesIncluding(each)]));
    // The overload says what its callback reads.
    return policyFor(roles, holders, options as HeldRolesOptions<PrincipalFacts> | undefined);
  }
  const roles = listRoles(args);
  return policyFor(roles, new Set(roles), undefined);
}

function isModel(value: unknown): value is RoleInclusions<string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { rolesIncluding?: unknown }).rolesIncluding === 'function'
  );
}

function listRoles(roles: readonly unknown[]): readonly string[] {
  assertConfiguration(
    roles.length > 0,
    'requireRole() needs at least one role; to admit any authenticated caller use ' +
      'allowAuthenticated().',
  );
  for (const role of roles) {
    assertConfiguration(
      typeof role === 'string' && role.trim() !== '',
      `requireRole: ${JSON.stringify(role)} is not a valid role. Pass each role as its own argument, ` +
        'or a model and a list.',
    );
  }
  // Each was found to be a string.
  return [...new Set(roles as readonly string[])];
}

function policyFor(
  roles: readonly string[],
  holders: ReadonlySet<string>,
  options: HeldRolesOptions<PrincipalFacts> | undefined,
): SyncPolicy<PrincipalFacts, NoFacts, 'grant'> {
  const name = `requireRole(${roles.join(', ')})`;
  const rolesOf = heldRoles(name, options);
  return definePolicy({
    name,
    role: 'grant',
    needs: options === undefined ? ['principal'] : [],
    adds: [],
    check: (_request, facts: PrincipalFacts) => {
      const held = rolesOf(facts);
      if (held instanceof Set && meet(held, holders)) return pass();
      const given = held instanceof Set ? [...held] : [];
      return denyWith({ ...DENIED, cause: { expected: roles, given } });
    },
  });
}

const DENIED = Object.freeze({
  kind: 'forbidden',
  code: 'role.insufficient',
  detail: 'The caller has none of the roles that this operation needs.',
} as const);
