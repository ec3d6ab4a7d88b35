import {
  memoryTenantStore,
  type Policy,
  requireTenant,
  resolveTenant,
  type TenantFacts,
  type TenantRecordFacts,
  type TenantSource,
  tenantFrom,
} from '@apisec/core';
import { INTERNAL } from './credentials.ts';

/** Names the tenant that a call wants to act in. */
export const TENANT_HEADER = 'x-tenant';
/** The claim that binds a token to a tenant. */
export const TENANT_CLAIM = 'org';

type Principal = ReturnType<typeof tenantFrom.principal> extends TenantSource<infer N> ? N : never;

/** What keeps the tenants of the suite apart. */
export interface TenantPolicies {
  readonly resolve: Policy<Principal, TenantFacts, 'check'>;
  readonly known: Policy<TenantFacts, TenantRecordFacts, 'check'>;
  /** Its store does not answer. */
  readonly down: Policy<TenantFacts, TenantRecordFacts, 'check'>;
}

/** One tenant of each status. */
export function tenantPolicies(): TenantPolicies {
  const store = memoryTenantStore();
  for (const status of ['active', 'suspended', 'closed'] as const) {
    store.create({ id: status, status, attributes: {} });
  }
  return {
    resolve: resolveTenant({ from: [tenantFrom.principal(), tenantFrom.header(TENANT_HEADER)] }),
    known: requireTenant({ store }),
    down: requireTenant({
      store: { read: () => Promise.reject(new Error(INTERNAL)) },
    }),
  };
}
