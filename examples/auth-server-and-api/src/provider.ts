import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  type IdentityProviderOptions,
  startIdentityProvider,
} from 'apisec-example-identity-provider';
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
  const clientSecret = crypto.randomUUID();
  const { issuer, provider, close } = await startIdentityProvider(configuration(clientSecret));
  const answer = provider.callback();
  const tls = createHttpsServer({
    ...authority.server,
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: false,
  });
  tls.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
  const mtlsIssuer = `https://127.0.0.1:${await listen(tls)}`;
  return {
    issuer,
    mtlsIssuer,
    clientSecret,
    close: async () => {
      close();
      tls.closeAllConnections();
      await once(tls.close(), 'close');
    },
  };
}

function configuration(clientSecret: string): IdentityProviderOptions {
  const machine = {
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: 'orders:read',
  };
  return {
    apis: { [API]: 'orders:read', [OPAQUE_API]: 'orders:read' },
    opaque: [OPAQUE_API],
    clients: [
      { client_id: 'shop', ...machine },
      { client_id: 'bank', ...machine, tls_client_certificate_bound_access_tokens: true },
      { client_id: 'api', ...machine },
    ],
    ttl: { ClientCredentials: () => 600 },
    features: {
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
