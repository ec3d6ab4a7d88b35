import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { type LocalProviderOptions, localAddressOption } from './provider.ts';

/** Options of {@link duende}. */
export interface DuendeOptions extends LocalProviderOptions {
  /** The server, as it stands in `iss`. */
  readonly issuer: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of Duende IdentityServer.
 *
 * They are typed `at+jwt` and follow RFC 9068 but for client credentials, which have no `sub`: then the client is the
 * subject.
 *
 * @throws ConfigurationError for an issuer that is not https.
 * @example
 * authenticateJwt(duende({ issuer: 'https://id.example.com', audience: 'orders' }))
 */
export function duende(options: DuendeOptions): TrustedIssuer {
  assertKnownOptions('duende', options, ['issuer', 'audience', 'insecureLoopback']);
  return {
    issuer: localAddressOption('duende', 'issuer', options.issuer, options),
    audience: options.audience,
    insecureLoopback: options.insecureLoopback,
    profile: 'at+jwt',
    scopes: ['scope'],
    roles: ['role'],
  };
}
