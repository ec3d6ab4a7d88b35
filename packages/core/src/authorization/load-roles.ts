import type { RoleStore } from '../contracts/role-store.ts';
import type { Outcome } from '../engine/outcome.ts';
import { deny, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { frozenSet } from '../lib/freeze-deep.ts';
import { inTime } from '../lib/in-time.ts';
import { chain } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import type { PrincipalFacts } from './held-roles.ts';

/** Options of {@link loadRoles}. */
export interface LoadRolesOptions<Needs extends object> {
  readonly store: RoleStore;
  /**
   * The tenant whose roles count, from the facts; or `false` for roles that belong to no tenant. Security hangs on
   * it, so there is no default.
   */
  readonly tenant: false | ((facts: Readonly<Needs>) => string);
  /** How long the store may take. Default: `'1s'`. */
  readonly timeout?: Duration | undefined;
}

/** The roles of the caller, as the store has them. */
export interface AssignedRoles {
  readonly roles: ReadonlySet<string>;
  /** The tenant in which they hold. */
  readonly tenant: string | undefined;
}

/** What {@link loadRoles} adds. */
export interface AssignedRolesFacts {
  readonly assignedRoles: AssignedRoles;
}

/** More would be a fault of the store, or an attempt to make checks slow. */
const MOST_ROLES = 1_000;

/**
 * Reads the caller's roles from a store and adds them as `assignedRoles`: for roles that change faster than tokens
 * end, and for roles that hold in one tenant only. Hand them on with
 * `requirePermission(model, permission, { roles: ({ assignedRoles }) => assignedRoles.roles })`.
 *
 * Denies with `roles.unavailable` (503) when the store fails, does not answer in time, or answers something that
 * is not a list of roles; and with `roles.tenant_unknown` (403) when the facts name no tenant.
 *
 * @throws ConfigurationError without a store, or without saying which tenant.
 * @example
 * const roles = loadRoles({ store: memoryRoleStore(), tenant: ({ principal }) => principal.tenant ?? '' });
 */
export function loadRoles<Needs extends object = PrincipalFacts>(
  options: LoadRolesOptions<Needs & PrincipalFacts>,
): Policy<Needs & PrincipalFacts, AssignedRolesFacts, 'check'> {
  const name = 'loadRoles';
  assertKnownOptions(name, options, ['store', 'tenant', 'timeout']);
  const { store, tenant } = options;
  assertMethods(name, 'store', store ?? {}, ['rolesOf'], 'memoryRoleStore()');
  assertConfiguration(
    tenant === false || typeof tenant === 'function',
    `${name}: tenant must be a function of the facts, or false for roles that belong to no tenant.`,
  );
  const timeoutMs = durationMs(name, 'timeout', options.timeout ?? '1s', { max: '1m' });
  return definePolicy<Needs & PrincipalFacts, AssignedRolesFacts, 'check'>({
    name,
    role: 'check',
    needs: ['principal'],
    adds: ['assignedRoles'],
    check: (_request, facts) => {
      const where: unknown = tenant === false ? undefined : tenant(facts);
      if (tenant !== false && (typeof where !== 'string' || where === '')) return NO_TENANT;
      // Undefined, or the text that it was found to be.
      const scope = { principal: facts.principal.id, tenant: where as string | undefined };
      return chain<readonly string[], Outcome<AssignedRolesFacts>>(
        () => inTime(() => store.rolesOf(scope), timeoutMs),
        (roles) => {
          if (!isRoles(roles))
            return unavailable(new TypeError('rolesOf answered no list of roles'));
          const assignedRoles = Object.freeze({ roles: frozenSet(roles), tenant: scope.tenant });
          return pass({ assignedRoles });
        },
        unavailable,
      );
    },
  });
}

function isRoles(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MOST_ROLES &&
    value.every((role) => typeof role === 'string')
  );
}

function unavailable(cause: unknown): Outcome<never> {
  return deny('unavailable', 'roles.unavailable', { retryAfterMs: 1_000, cause });
}

const NO_TENANT = sharedDenial({
  kind: 'forbidden',
  code: 'roles.tenant_unknown',
  detail: 'The call names no tenant.',
});
