import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** Stands in for an identity provider: serves its metadata and keys, and signs what it is told to. */
export interface TestIssuer {
  /** What it calls itself in tokens and metadata. */
  readonly issuer: string;
  /** Where it really listens. */
  readonly url: string;
  /** An access token (RFC 9068) with these claims besides the usual ones. */
  readonly token: (claims?: JWTPayload) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** The API that the tokens are for. */
export const AUDIENCE = 'https://api.example.com';

/**
 * Starts an issuer on loopback, with a key that exists for one run only.
 *
 * @param name what it calls itself. Default: the URL where it listens.
 */
export async function startIssuer(name?: string): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  let issuer = name ?? '';
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      request.url === '/jwks'
        ? JSON.stringify({ keys: [jwk] })
        : JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address with a port.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  issuer ||= url;
  return {
    issuer,
    url,
    token: (claims = {}) =>
      new SignJWT({ client_id: 'tests', jti: crypto.randomUUID(), sub: 'alice', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
