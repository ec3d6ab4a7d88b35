import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Configuration } from 'oidc-provider';
import type { Authority } from './certificates.ts';

/** The API in tokens: once with tokens that are JWTs, once with opaque ones. */
export const API = 'https://api.example.com';
export const OPAQUE_API = 'https://opaque.api.example.com';

/** An authorization server that runs in this process. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** The same server over TLS, for clients that show a certificate. */
  readonly mtlsIssuer: string;
  readonly clientSecret: string;
  readonly close: () => Promise<void>;
}

export async function startAuthorizationServer(authority: Authority): Promise<AuthorizationServer> {
  const plain = createHttpServer();
  const issuer = `http://127.0.0.1:${await listen(plain)}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), kid: 'signing', alg: 'ES256', use: 'sig' };
  const clientSecret = crypto.randomUUID();
  const { Provider } = await quietly(() => import('oidc-provider'));
  const provider = await quietly(() => new Provider(issuer, configuration(key, clientSecret)));
  const answer = provider.callback();
  const tls = createHttpsServer({
    ...authority.server,
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: false,
  });
  for (const server of [plain, tls]) {
    server.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
  }
  const mtlsIssuer = `https://127.0.0.1:${await listen(tls)}`;
  return {
    issuer,
    mtlsIssuer,
    clientSecret,
    close: async () => {
      plain.closeAllConnections();
      tls.closeAllConnections();
      await Promise.all([plain, tls].map(async (server) => once(server.close(), 'close')));
    },
  };
}

function configuration(key: JWK, clientSecret: string): Configuration {
  const machine = {
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: 'orders:read',
  };
  return {
    jwks: { keys: [key] },
    clients: [
      { client_id: 'shop', ...machine },
      { client_id: 'bank', ...machine, tls_client_certificate_bound_access_tokens: true },
      { client_id: 'api', ...machine },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['orders:read'],
    ttl: { ClientCredentials: () => 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_context, client) => client.clientId === 'api',
      },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: ({ socket }) => certificateOf(socket as TLSSocket),
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          audience: resource,
          scope: 'orders:read',
          accessTokenFormat: resource === API ? 'jwt' : 'opaque',
          ...(resource === API && { jwt: { sign: { alg: 'ES256' } } }),
        }),
      },
    },
  };
}

function certificateOf(socket: TLSSocket): string | undefined {
  const raw: Buffer | undefined = socket.getPeerX509Certificate?.()?.raw;
  return (
    raw && `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
  );
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP, so its address is one.
  return (server.address() as AddressInfo).port;
}

/** The provider writes notes for production use to the console. */
async function quietly<T>(run: () => T | Promise<T>): Promise<T> {
  const { info, warn } = console;
  Object.assign(console, { info: () => undefined, warn: () => undefined });
  try {
    return await run();
  } finally {
    Object.assign(console, { info, warn });
  }
}
