import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions, assertOneOf } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { ENTRA_CLAIMS, TENANT } from './entra-claims.ts';
import { nameOption } from './provider.ts';

/** Options of {@link entraId}. */
export interface EntraIdOptions {
  /** The id of the directory: a GUID in lower case. */
  readonly tenant: string;
  /** The version of the access tokens. Default: 2. */
  readonly version?: 1 | 2 | undefined;
  /** What this API is called in `aud`: its client id, or in version 1 its Application ID URI as well. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of one Microsoft Entra ID tenant, of version 2 (`v2.0`) or 1, as the API's manifest says
 * (`requestedAccessTokenVersion`). For several tenants use `entraIdTenants`.
 *
 * They are typed `JWT`, list delegated scopes in `scp` and application roles in `roles`, and name the client in `azp`
 * (2) or `appid` (1), which ID tokens do not have. `tid` must be the tenant.
 *
 * @throws ConfigurationError for a tenant that is not an id.
 * @example
 * authenticateJwt(
 *   entraId({
 *     tenant: '00000000-0000-4000-8000-000000000000',
 *     audience: '11111111-1111-4111-8111-111111111111',
 *   }),
 * )
 */
export function entraId(options: EntraIdOptions): TrustedIssuer {
  assertKnownOptions('entraId', options, ['tenant', 'version', 'audience']);
  const { version = 2, audience } = options;
  const tenant = nameOption('entraId', 'tenant', options.tenant, TENANT);
  assertOneOf('entraId', 'version', version, [1, 2]);
  return {
    issuer:
      version === 1
        ? `https://sts.windows.net/${tenant}/`
        : `https://login.microsoftonline.com/${tenant}/v2.0`,
    audience,
    // Version 1 publishes its keys below the other address, and its metadata under another issuer's name.
    keys: remoteJwks(`https://login.microsoftonline.com/${tenant}/discovery/v2.0/keys`),
    ...ENTRA_CLAIMS,
    requiredClaims: [{ claim: 'tid', is: tenant }],
    tenant: { claim: 'tid' },
  };
}
