import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { hostOption } from './provider.ts';

/** Options of {@link auth0}. */
export interface Auth0Options {
  /** The tenant, or its custom domain: `shop.eu.auth0.com`. */
  readonly domain: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of an Auth0 tenant for one API (`audience`), as plain data for `authenticateJwt`.
 *
 * They are typed `JWT` or `at+jwt` by the API's token profile, name the client in `azp` or `client_id`, permissions
 * in `permissions`. Left out are `client_id` and `jti` in Auth0's own profile: the scopes or the client stand in as
 * the sign that tells them from ID tokens, whose audience is the client.
 *
 * @throws ConfigurationError for a domain that is not a host name.
 * @example
 * authenticateJwt(auth0({ domain: 'shop.eu.auth0.com', audience: 'https://api.example.com' }))
 */
export function auth0(options: Auth0Options): TrustedIssuer {
  assertKnownOptions('auth0', options, ['domain', 'audience']);
  return {
    issuer: `https://${hostOption('auth0', 'domain', options.domain)}/`,
    audience: options.audience,
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'scope' }, { claim: 'azp' }, { claim: 'client_id' }],
    clientIds: ['client_id', 'azp'],
    scopes: ['scope', 'permissions'],
  };
}
