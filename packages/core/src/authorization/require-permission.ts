import { type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type HeldRolesOptions, heldRoles, meet, type PrincipalFacts } from './held-roles.ts';
import type { PermissionHolders } from './role-model.ts';

/**
 * Admits a caller whose roles hold the permission, or every one of a list; for alternatives use `anyOf`. The cost
 * of a check does not grow with the model.
 *
 * Denies with `permission.insufficient` (403).
 *
 * @throws ConfigurationError without a permission, and for one that the model does not know.
 * @example
 * const publish = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requirePermission(model, 'articles:publish'));
 */
export function requirePermission<P extends string>(
  model: PermissionHolders<P>,
  permission: NoInfer<P> | readonly NoInfer<P>[],
): SyncPolicy<PrincipalFacts, NoFacts, 'grant'>;
export function requirePermission<P extends string, Needs extends object>(
  model: PermissionHolders<P>,
  permission: NoInfer<P> | readonly NoInfer<P>[],
  options: HeldRolesOptions<Needs>,
): SyncPolicy<Needs, NoFacts, 'grant'>;
export function requirePermission<P extends string, Needs extends object>(
  model: PermissionHolders<P>,
  permission: P | readonly P[],
  options?: HeldRolesOptions<Needs>,
): SyncPolicy<Needs & PrincipalFacts, NoFacts, 'grant'> {
  assertConfiguration(
    typeof model?.rolesWith === 'function',
    "requirePermission: write requirePermission(model, 'articles:read') with a model of roleModel().",
  );
  // Array.isArray does not narrow readonly arrays.
  const wanted = Array.isArray(permission) ? (permission as readonly P[]) : [permission as P];
  assertConfiguration(
    wanted.length > 0,
    'requirePermission: name at least one permission; allowAuthenticated() admits every authenticated caller.',
  );
  const name = `requirePermission(${wanted.join(', ')})`;
  const holders = [...new Set(wanted)].map((each) => model.rolesWith(each));
  const rolesOf = heldRoles(name, options);
  return definePolicy({
    name,
    role: 'grant',
    needs: options === undefined ? ['principal'] : [],
    check: (_request, facts: Readonly<Needs & PrincipalFacts>) => {
      const held = rolesOf(facts);
      if (!(held instanceof Set)) return DENIED;
      for (const roles of holders) if (!meet(held, roles)) return DENIED;
      return pass();
    },
  });
}

const DENIED = sharedDenial({
  kind: 'forbidden',
  code: 'permission.insufficient',
  detail: 'The caller may not do this.',
});
