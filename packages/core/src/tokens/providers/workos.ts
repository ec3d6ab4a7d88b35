import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { addressOption, nameOption } from './provider.ts';

/** Options of {@link workos}. */
export interface WorkosOptions {
  /** The client, like `client_01ABCDEF`. */
  readonly clientId: string;
  /** With a custom domain, the issuer. Default: `https://api.workos.com/user_management/<clientId>`. */
  readonly issuer?: string | undefined;
}

/**
 * The access tokens of WorkOS AuthKit.
 *
 * They have no `aud`: their issuer and key set belong to one client, whose id stands in both addresses. `sid` tells
 * them from other tokens.
 *
 * @throws ConfigurationError for a client that WorkOS would not name so.
 * @example
 * authenticateJwt(workos({ clientId: 'client_01ABCDEF' }))
 */
export function workos(options: WorkosOptions): TrustedIssuer {
  assertKnownOptions('workos', options, ['clientId', 'issuer']);
  const clientId = nameOption('workos', 'clientId', options.clientId, /^client_[A-Za-z0-9]{1,64}$/);
  const { issuer = `https://api.workos.com/user_management/${clientId}` } = options;
  return {
    issuer: addressOption('workos', 'issuer', issuer),
    // Nothing in the token but its issuer names the client, which the address of the keys does as well.
    recipient: { claim: 'iss', is: issuer },
    keys: remoteJwks(`https://api.workos.com/sso/jwks/${clientId}`),
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'sid' }],
    clientIds: ['client_id'],
    scopes: ['permissions'],
    roles: ['role', 'roles'],
  };
}
