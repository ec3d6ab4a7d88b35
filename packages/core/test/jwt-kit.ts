import { exportJWK, generateKeyPair } from 'jose';
import { algorithms } from '../src/crypto/jws-algorithms.ts';
import type { Jwk, JwsAlgorithm } from '../src/crypto/key-source.ts';

/** The moment at which the tests take place, in epoch milliseconds. */
export const NOW = 1_700_000_000_000;
export const now = (): number => NOW;
export const issuer = 'https://id.example.com';
export const audience = 'https://api.example.com';

/** Everything that RFC 9068 requires. */
export const claims = {
  iss: issuer,
  aud: audience,
  sub: 'alice',
  client_id: 'shop',
  iat: NOW / 1000 - 10,
  exp: NOW / 1000 + 60,
  jti: 'token-1',
};

/** Parts of a token: objects are written as JSON, text as it is (for JSON that no object gives). */
export interface Parts {
  readonly header?: object | string;
  readonly payload?: object | string | Uint8Array;
}

/** A key pair that signs whatever it is given. */
export interface Signer {
  readonly alg: JwsAlgorithm;
  readonly jwk: Jwk;
  /** A token with the good claims, changed by `parts`; undefined members are left out. */
  readonly token: (parts?: Parts) => Promise<string>;
}

/** Making RSA keys is slow, so all RSA signers share one. */
const rsaPair = generateKeyPair('RS256', { extractable: true });

export async function signer(alg: JwsAlgorithm, kid = `${alg}-key`): Promise<Signer> {
  const { kty, webCrypto } = algorithms[alg];
  const pair = await (kty === 'RSA' ? rsaPair : generateKeyPair(alg, { extractable: true }));
  // Not as PKCS 8: Node 20 takes an error that TLS has left behind in OpenSSL for one of the key.
  const secret = await exportJWK(pair.privateKey);
  const key = await crypto.subtle.importKey('jwk', secret, webCrypto, false, ['sign']);
  return signerOf(alg, kid, await exportJWK(pair.publicKey), key);
}

export async function secretSigner(alg: JwsAlgorithm, secret: Uint8Array): Promise<Signer> {
  const { webCrypto } = algorithms[alg];
  const key = await crypto.subtle.importKey('raw', new Uint8Array(secret), webCrypto, true, [
    'sign',
  ]);
  return signerOf(alg, `${alg}-key`, await exportJWK(key), key);
}

function signerOf(alg: JwsAlgorithm, kid: string, jwk: object, key: CryptoKey): Signer {
  const header = { alg, typ: 'at+jwt', kid };
  return {
    alg,
    jwk: { ...jwk, kid, alg },
    token: async (parts = {}) => {
      const data = [
        encode(textOf(header, parts.header)),
        encode(textOf(claims, parts.payload)),
      ].join('.');
      const { webCrypto } = algorithms[alg];
      const signature = await crypto.subtle.sign(webCrypto, key, new TextEncoder().encode(data));
      return `${data}.${Buffer.from(signature).toString('base64url')}`;
    },
  };
}

function textOf(good: object, change: object | string | Uint8Array = {}): string | Uint8Array {
  return typeof change === 'string' || change instanceof Uint8Array
    ? change
    : JSON.stringify({ ...good, ...change });
}

function encode(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64url');
}

export function bearer(token: string): Request {
  return new Request('https://api.example.com/orders', {
    headers: { authorization: `Bearer ${token}` },
  });
}
