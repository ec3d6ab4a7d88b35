import { createServer } from 'node:http';
import type { Configuration, JWK } from 'oidc-provider';
import { listen } from './listen.ts';
import { quietly } from './quietly.ts';

/** An OpenID provider that runs in this process and issues JWT access tokens (RFC 9068). */
export interface IdentityProvider {
  readonly issuer: string;
  /** An access token by client credentials (RFC 6749 §4.4), over HTTP like any other client. */
  readonly token: (client: ClientName, resource?: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Who may ask for tokens, and what stands in them. */
const clients = {
  storefront: { scope: 'orders:read orders:write', roles: [] },
  reports: { scope: 'orders:read', roles: [] },
  backoffice: { scope: 'orders:read', roles: ['manager'] },
  /** Its tokens come an hour late: expired when they arrive. */
  yesterday: { scope: 'orders:read', roles: [] },
} as const;

export type ClientName = keyof typeof clients;

/** The API that tokens are meant for, and another one of the same provider. */
export const SHOP = 'https://api.shop.example';
export const WAREHOUSE = 'https://api.warehouse.example';

/** Made for this run. */
export const CLIENT_SECRET: string = crypto.randomUUID();
const TOKEN_SECONDS = 3600;

/** @param key the private signing key, as a JWK. */
export async function startProvider(key: JWK): Promise<IdentityProvider> {
  const server = createServer();
  // The issuer must be known before the provider is made, so the port comes first.
  const { port, close } = await listen(server);
  const issuer = `http://127.0.0.1:${port}`;
  const provider = await quietly(async () => {
    const { Provider } = await import('oidc-provider');
    return new Provider(issuer, configuration(key));
  });
  const answer = provider.callback();
  server.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
  return {
    issuer,
    token: (client, resource = SHOP) => requestToken(issuer, client, resource),
    close,
  };
}

async function requestToken(issuer: string, client: ClientName, resource: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: clients[client].scope,
      resource,
    }),
  });
  if (!response.ok) throw new Error(`The provider denied: ${await response.text()}`);
  const { access_token } = (await response.json()) as { readonly access_token: string };
  return access_token;
}

function configuration(key: JWK): Configuration {
  return {
    jwks: { keys: [key] },
    clients: Object.entries(clients).map(([client_id, { scope }]) => ({
      client_id,
      client_secret: CLIENT_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope,
    })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['orders:read', 'orders:write'],
    ttl: { ClientCredentials: TOKEN_SECONDS },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      // Only tokens for a named resource are JWTs here.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          audience: resource,
          scope: 'orders:read orders:write',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: (_context, token) => ({ roles: clientOf(token).roles }),
    formats: {
      customizers: {
        jwt: (_context, token, jwt) => {
          if (token.clientId !== 'yesterday') return;
          const { iat, exp } = jwt.payload as { iat: number; exp: number };
          Object.assign(jwt.payload, {
            iat: iat - 2 * TOKEN_SECONDS,
            exp: exp - 2 * TOKEN_SECONDS,
          });
        },
      },
    },
  };
}

function clientOf({ clientId }: { readonly clientId?: string | undefined }) {
  // Tokens go to the clients above and nobody else.
  return clients[clientId as ClientName];
}
