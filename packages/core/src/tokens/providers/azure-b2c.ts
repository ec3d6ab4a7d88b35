import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { TENANT } from './entra-claims.ts';
import { nameOption } from './provider.ts';

/** Options of {@link azureB2c}. */
export interface AzureB2cOptions {
  /** The name in front of `.b2clogin.com` and `.onmicrosoft.com`. */
  readonly tenant: string;
  /** The id of the directory, as it stands in `iss`. */
  readonly tenantId: string;
  /** The user flow or custom policy, like `B2C_1_signin`. */
  readonly policy: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of an Azure AD B2C tenant, for one user flow or custom policy.
 *
 * They are typed `JWT`, may carry the `nonce` of the sign-in, list scopes in `scp`, which ID tokens do not have, and
 * name the client in `azp`. All policies of a tenant sign with the same keys, so `tfp`, or `acr` of older ones, must
 * name this policy: what another one lets in (without a second factor, say) stays out.
 *
 * @throws ConfigurationError for a tenant or a policy that B2C would not name so.
 * @example
 * authenticateJwt(azureB2c({
 *   tenant: 'shop', tenantId: '00000000-0000-4000-8000-000000000000', policy: 'B2C_1_signin',
 *   audience: '11111111-1111-4111-8111-111111111111',
 * }))
 */
export function azureB2c(options: AzureB2cOptions): TrustedIssuer {
  assertKnownOptions('azureB2c', options, ['tenant', 'tenantId', 'policy', 'audience']);
  const tenant = nameOption('azureB2c', 'tenant', options.tenant, /^[a-z0-9]{1,48}$/);
  const tenantId = nameOption('azureB2c', 'tenantId', options.tenantId, TENANT);
  const policy = nameOption('azureB2c', 'policy', options.policy, /^B2C_1A?_[A-Za-z0-9_-]{1,64}$/i);
  // Older policies are written in lower case in `acr`.
  const spellings = [policy, policy.toLowerCase()];
  const host = `https://${tenant}.b2clogin.com`;
  return {
    issuer: `${host}/${tenantId}/v2.0/`,
    audience: options.audience,
    keys: remoteJwks(`${host}/${tenant}.onmicrosoft.com/${policy}/discovery/v2.0/keys`),
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [
      { claim: 'tfp', is: spellings },
      { claim: 'acr', is: spellings },
    ],
    requiredClaims: [{ claim: 'scp' }],
    clientIds: ['azp'],
    scopes: ['scp'],
  };
}
