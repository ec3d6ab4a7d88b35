import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TenantIssuers } from '../jwt-issuers.ts';
import { type TenantIssuersOptions, tenantIssuers } from '../tenant-issuers.ts';
import { ENTRA_CLAIMS, TENANT } from './entra-claims.ts';

/** Options of {@link entraIdTenants}. */
export type EntraIdTenantsOptions = Pick<
  TenantIssuersOptions,
  'audience' | 'tenants' | 'capacity' | 'lifetime' | 'timeout' | 'now'
>;

/**
 * The access tokens (version 2) of those Microsoft Entra ID tenants that are known now: for an API that several
 * organisations use. `aud` is the client id of the API. `iss` and `tid` must name the same tenant; the keys are those
 * that all tenants of organisations share, so personal accounts, which have keys of their own, stay out.
 *
 * @throws ConfigurationError as `tenantIssuers`.
 * @example
 * authenticateJwt({
 *   issuers: entraIdTenants({ tenants: (id) => customers.has(id), audience: '11111111-1111-4111-8111-111111111111' }),
 * })
 */
export function entraIdTenants(options: EntraIdTenantsOptions): TenantIssuers {
  assertKnownOptions('entraIdTenants', options, [
    'audience',
    'tenants',
    'capacity',
    'lifetime',
    'timeout',
    'now',
  ]);
  const keys = remoteJwks('https://login.microsoftonline.com/organizations/discovery/v2.0/keys');
  return tenantIssuers({
    ...options,
    ...ENTRA_CLAIMS,
    pattern: 'https://login.microsoftonline.com/{tenant}/v2.0',
    tenantPattern: TENANT,
    bind: 'tid',
    keys: () => keys,
    // Known tenants cost no fetch of their own.
    newPerMinute: 6_000,
  });
}
