import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { type LocalProviderOptions, localAddressOption } from './provider.ts';

/** Options of {@link keycloak}. */
export interface KeycloakOptions extends LocalProviderOptions {
  /** The realm, as it stands in `iss`: `https://id.example.com/realms/shop`. */
  readonly issuer: string;
  /** What this API is called in `aud`, where a mapper adds it. */
  readonly audience?: string | readonly string[] | undefined;
  /** The clients whose tokens are for this API, where no mapper names it. */
  readonly clientId?: string | readonly string[] | undefined;
  /** Clients whose roles count beside those of the realm. Default: none. */
  readonly roleClients?: readonly string[] | undefined;
}

/**
 * The access tokens of a Keycloak realm.
 *
 * As it comes, Keycloak names no API in `aud` (or only `account`) and the client in `azp`: give `clientId`, and tokens
 * of these clients are taken. With an audience mapper give `audience` instead. `typ` in the claims must say `Bearer`,
 * or `DPoP` for tokens that are bound to a key; before 24 access tokens carry the `nonce` of the sign-in. Roles are
 * those of the realm.
 *
 * @throws ConfigurationError without one of `audience` and `clientId`.
 * @example
 * authenticateJwt(keycloak({ issuer: 'https://id.example.com/realms/shop', clientId: 'shop-web' }))
 */
export function keycloak(options: KeycloakOptions): TrustedIssuer {
  assertKnownOptions('keycloak', options, [
    'issuer',
    'audience',
    'clientId',
    'roleClients',
    'insecureLoopback',
  ]);
  const { audience, clientId, roleClients = [] } = options;
  assertConfiguration(
    (audience === undefined) !== (clientId === undefined),
    'keycloak: give audience where a mapper names this API, or clientId where nothing does.',
  );
  return {
    issuer: localAddressOption('keycloak', 'issuer', options.issuer, options),
    // One of the two is there, as was found above.
    ...(audience !== undefined
      ? { audience }
      : { recipient: { claim: 'azp', is: clientId ?? [], besides: ['account'] } }),
    insecureLoopback: options.insecureLoopback,
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'typ', is: ['Bearer', 'DPoP'] }],
    clientIds: ['azp', 'client_id'],
    scopes: ['scope'],
    roles: [
      ['realm_access', 'roles'],
      ...roleClients.map((id) => ['resource_access', id, 'roles']),
    ],
  };
}
