import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { hostOption, nameOption } from './provider.ts';

/** Options of {@link okta}. */
export interface OktaOptions {
  /** The org, or its custom domain: `shop.okta.com`. */
  readonly domain: string;
  /** The authorization server. Default: `default`. */
  readonly authorizationServer?: string | undefined;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
}

/**
 * The access tokens of an Okta authorization server. The org server's own tokens are opaque to APIs and stay out: name
 * a custom one (`default`, say).
 *
 * They are typed `JWT` or nothing, list scopes in `scp` and name the client in `cid`, which no ID token has.
 *
 * @throws ConfigurationError for a domain or a server that Okta would not name so.
 * @example
 * authenticateJwt(okta({ domain: 'shop.okta.com', audience: 'api://default' }))
 */
export function okta(options: OktaOptions): TrustedIssuer {
  assertKnownOptions('okta', options, ['domain', 'authorizationServer', 'audience']);
  const { authorizationServer = 'default', audience } = options;
  const domain = hostOption('okta', 'domain', options.domain);
  const server = nameOption('okta', 'authorizationServer', authorizationServer);
  return {
    issuer: `https://${domain}/oauth2/${server}`,
    audience,
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'cid' }],
    clientIds: ['cid'],
    scopes: ['scp'],
    roles: ['groups'],
  };
}
