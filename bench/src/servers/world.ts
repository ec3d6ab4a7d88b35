import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What servers and clients have in common, as data, so that it can go from process to process. */
export interface World {
  readonly issuer: string;
  readonly audience: string;
  readonly origin: string;
  readonly scope: string;
  readonly jwk: JWK;
  /** The same key for libraries that take no JWK. */
  readonly publicKeyPem: string;
  /** Where the same key is served as a set, for libraries that take only an address. */
  readonly jwksUri: string;
  /** Where servers with an audit trail write it, each from the beginning. */
  readonly auditFile: string;
  /** Access tokens as RFC 9068 has them. */
  readonly tokens: readonly string[];
  /** The same with the type `JWT`, for what takes no other. */
  readonly plainTokens: readonly string[];
}

/** As many callers as a busy process sees in a minute; every cache of tokens holds them. */
export const POOL_SIZE = 500;

export async function createWorld(
  { jwksUri, auditFile }: Pick<World, 'jwksUri' | 'auditFile'>,
  poolSize: number = POOL_SIZE,
): Promise<World> {
  const issuer = 'https://id.example.com/';
  const audience = 'https://api.example.com';
  const scope = 'orders:read';
  const pair = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'key', alg: 'RS256', use: 'sig' };
  const sign = (typ: string) =>
    Promise.all(
      Array.from({ length: poolSize }, (_, index) =>
        new SignJWT({ client_id: 'shop', scope, roles: ['clerk'] })
          .setProtectedHeader({ alg: 'RS256', typ, kid: 'key' })
          .setIssuer(issuer)
          .setAudience(audience)
          .setSubject(`caller-${index}`)
          .setJti(String(index))
          .setIssuedAt()
          .setExpirationTime('2h')
          .sign(pair.privateKey),
      ),
    );
  // Node reads the JWK that jose has written.
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  return {
    issuer,
    audience,
    origin: 'https://app.example.com',
    scope,
    jwk,
    publicKeyPem: key.export({ type: 'spki', format: 'pem' }).toString(),
    jwksUri,
    auditFile,
    tokens: await sign('at+jwt'),
    plainTokens: await sign('JWT'),
  };
}
