import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { type LocalProviderOptions, localAddressOption } from './provider.ts';

/** Options of {@link zitadel}. */
export interface ZitadelOptions extends LocalProviderOptions {
  /** The instance, as it stands in `iss`. */
  readonly issuer: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of ZITADEL, of a project whose tokens are JWTs.
 *
 * They are typed `at+jwt` or nothing and have `client_id`; `aud` lists the project and its applications. Roles are the
 * names of the members of an object.
 *
 * @throws ConfigurationError for an issuer that is not https.
 * @example
 * authenticateJwt(zitadel({ issuer: 'https://shop.zitadel.cloud', audience: '123456789012345678' }))
 */
export function zitadel(options: ZitadelOptions): TrustedIssuer {
  assertKnownOptions('zitadel', options, ['issuer', 'audience', 'insecureLoopback']);
  return {
    issuer: localAddressOption('zitadel', 'issuer', options.issuer, options),
    audience: options.audience,
    insecureLoopback: options.insecureLoopback,
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'client_id' }, { claim: 'jti' }],
    clientIds: ['client_id', 'azp'],
    scopes: ['scope'],
    roles: [{ keysOf: 'urn:zitadel:iam:org:project:roles' }],
  };
}
