import { type Case, type Expectation, once } from '../case.ts';
import { TENANT_CLAIM, TENANT_HEADER } from '../tenant-policies.ts';

const forbidden = (code: string): Expectation => ({ allowed: false, kind: 'forbidden', code });

/** A token of one of the suite's tenants; of none without a name. */
const of = (tenant?: unknown): NonNullable<Case['authorization']> =>
  once(({ token }) =>
    token(tenant === undefined ? {} : { claims: { [TENANT_CLAIM]: tenant } }).then(
      (it) => `Bearer ${it}`,
    ),
  );
const named = (tenant: string) => ({ headers: [[TENANT_HEADER, tenant]] }) as const;

/** Which tenant a call acts in, and whether it may. */
export const tenantCases: readonly Case[] = [
  {
    name: 'a token of an active tenant',
    operation: 'tenanted',
    authorization: of('active'),
    expect: { allowed: true },
  },
  {
    name: 'a token of a tenant, and its name beside',
    operation: 'tenanted',
    authorization: of('active'),
    ...named('active'),
    expect: { allowed: true },
  },
  {
    name: 'a token of a tenant, and another name beside',
    operation: 'tenanted',
    authorization: of('active'),
    ...named('suspended'),
    expect: forbidden('tenant.conflict'),
  },
  {
    name: 'two names of the same tenant beside its token',
    operation: 'tenanted',
    authorization: of('active'),
    ...named('active, active'),
    expect: { allowed: false, kind: 'malformed', code: 'tenant.malformed' },
  },
  {
    name: 'a name of every object as the tenant',
    operation: 'tenanted',
    authorization: of('constructor'),
    expect: { allowed: false, kind: 'malformed', code: 'tenant.malformed' },
  },
  {
    name: 'a token of no tenant',
    operation: 'tenanted',
    authorization: of(),
    expect: forbidden('tenant.missing'),
  },
  {
    name: 'a token of no tenant, and the name of one beside',
    operation: 'tenanted',
    authorization: of(),
    ...named('active'),
    expect: forbidden('tenant.unproven'),
  },
  {
    name: 'a token of a tenant that nobody knows',
    operation: 'tenanted',
    authorization: of('nobody'),
    expect: forbidden('tenant.unknown'),
  },
  {
    name: 'a token of a suspended tenant',
    operation: 'tenanted',
    authorization: of('suspended'),
    expect: forbidden('tenant.suspended'),
  },
  {
    name: 'a token of a closed tenant',
    operation: 'tenanted',
    authorization: of('closed'),
    expect: { allowed: false, kind: 'gone', code: 'tenant.closed' },
  },
  {
    name: 'a store of tenants that does not answer',
    operation: 'tenantsDown',
    authorization: of('active'),
    expect: { allowed: false, kind: 'unavailable', code: 'tenant.unavailable', retryAfter: true },
  },
];
