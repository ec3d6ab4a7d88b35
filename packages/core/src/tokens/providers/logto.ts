import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { type LocalProviderOptions, localAddressOption } from './provider.ts';

/** Options of {@link logto}. */
export interface LogtoOptions extends LocalProviderOptions {
  /** The tenant, or its custom domain: `https://shop.logto.app`. */
  readonly endpoint: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of Logto for one API resource.
 *
 * They are typed `at+jwt` and follow RFC 9068; tokens of machine-to-machine applications name the client as subject.
 *
 * @throws ConfigurationError for an endpoint that is not https.
 * @example
 * authenticateJwt(logto({ endpoint: 'https://shop.logto.app', audience: 'https://api.example.com' }))
 */
export function logto(options: LogtoOptions): TrustedIssuer {
  assertKnownOptions('logto', options, ['endpoint', 'audience', 'insecureLoopback']);
  const endpoint = localAddressOption('logto', 'endpoint', options.endpoint, options).replace(
    /\/$/,
    '',
  );
  return {
    issuer: `${endpoint}/oidc`,
    audience: options.audience,
    insecureLoopback: options.insecureLoopback,
    profile: 'at+jwt',
    scopes: ['scope'],
    roles: ['roles'],
  };
}
