import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { type LocalProviderOptions, localAddressOption } from './provider.ts';

/** Options of {@link springAuthorizationServer}. */
export interface SpringAuthorizationServerOptions extends LocalProviderOptions {
  /** The server, as it stands in `iss`. */
  readonly issuer: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of Spring Authorization Server with its default claims.
 *
 * They are typed nothing or `JWT`, list scopes in `scope`, and name the client that asked for them in `aud`: give the
 * client ids as `audience`, or this API's name where a customizer writes it. `scope` tells them from ID tokens, which
 * have none.
 *
 * @throws ConfigurationError for an issuer that is not https.
 * @example
 * authenticateJwt(springAuthorizationServer({ issuer: 'https://id.example.com', audience: 'messaging-client' }))
 */
export function springAuthorizationServer(
  options: SpringAuthorizationServerOptions,
): TrustedIssuer {
  assertKnownOptions('springAuthorizationServer', options, [
    'issuer',
    'audience',
    'insecureLoopback',
  ]);
  return {
    issuer: localAddressOption('springAuthorizationServer', 'issuer', options.issuer, options),
    audience: options.audience,
    insecureLoopback: options.insecureLoopback,
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'scope' }],
    clientIds: ['client_id', 'azp'],
    scopes: ['scope'],
    roles: ['roles', 'authorities'],
  };
}
