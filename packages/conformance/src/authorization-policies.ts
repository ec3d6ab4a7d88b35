import {
  type AssignedRolesFacts,
  type AuthenticatedFacts,
  type CallFacts,
  field,
  filterOutput,
  loadRoles,
  type NoFacts,
  type OutputShape,
  type Policy,
  type PrincipalFacts,
  require,
  requirePermission,
  roleModel,
  rule,
  subject,
  validateInput,
  visibleTo,
} from '@apisec/core';
import { member } from './clients/observe.ts';
import { INTERNAL } from './credentials.ts';
import type { Protocol } from './subject.ts';

const model = roleModel({
  permissions: ['orders:read', 'orders:approve', 'users:invite'],
  roles: {
    clerk: { grants: ['orders:read'] },
    chief: { includes: ['clerk'], grants: ['orders:*'] },
  },
});

const caller = subject({
  fields: { level: field.integer() },
  of: ({ authentication: { claims } }: AuthenticatedFacts) => ({ level: claims['level'] }),
});

/** Begins the subjects that the suite's store knows as chiefs. */
export const CHIEF = 'chief-';
/** The tenant of an object that a handler should not have found. */
export const ELSEWHERE = 'elsewhere';

type Grant = Policy<AuthenticatedFacts, NoFacts, 'grant'>;
type Roles = Policy<PrincipalFacts, AssignedRolesFacts, 'check'>;

/** Who may do what, and what comes in and goes out. */
export interface AuthorizationPolicies {
  readonly permission: Grant;
  readonly roles: Roles;
  /** Their store does not answer. */
  readonly rolesDown: Roles;
  readonly assignedPermission: Policy<AssignedRolesFacts, NoFacts, 'grant'>;
  readonly rule: Grant;
  readonly input: Policy<CallFacts, NoFacts, 'check'>;
  readonly output: Policy<CallFacts, NoFacts, 'check'>;
}

/** Nobody assigns roles in the suite. */
const UNCHANGED = { assign: () => undefined, unassign: () => undefined };

export function authorizationPolicies(protocol: Protocol): AuthorizationPolicies {
  const reply: OutputShape = {
    id: 'value',
    amount: visibleTo({ roles: ['chief'] }, 'value'),
    poison: 'value',
    status: 'value',
  };
  return {
    permission: requirePermission(model, 'orders:approve'),
    roles: loadRoles({
      tenant: false,
      store: {
        ...UNCHANGED,
        rolesOf: ({ principal }) => (principal.includes(`"${CHIEF}`) ? ['chief'] : ['clerk']),
      },
    }),
    rolesDown: loadRoles({
      tenant: false,
      store: { ...UNCHANGED, rolesOf: () => Promise.reject(new Error(INTERNAL)) },
    }),
    assignedPermission: requirePermission(model, 'orders:approve', {
      roles: ({ assignedRoles }: AssignedRolesFacts) => assignedRoles.roles,
    }),
    rule: require(
      rule.all(
        rule.ge(caller.level, 3, { code: 'order.level_too_low' }),
        rule.not(rule.role('guest')),
      ),
    ),
    input: validateInput({
      body: {
        '~standard': {
          version: 1,
          vendor: 'suite',
          validate: (value) => {
            const amount = member(value, 'amount');
            return typeof amount === 'number' && amount > 0
              ? { value: { amount } }
              : { issues: [{ message: 'not an amount', path: ['amount'] }] };
          },
        },
      },
    }),
    output: filterOutput({
      // An answer of GraphQL holds its fields by their names.
      shape: protocol === 'graphql' ? { '*': reply } : reply,
      tenant: {
        tenantOf: ({ secret }) => (secret === ELSEWHERE ? ELSEWHERE : undefined),
        expected: () => 'here',
      },
    }),
  };
}
