import { algorithms } from '../src/crypto/jws-algorithms.ts';
import type { JwsAlgorithm, VerificationKey } from '../src/crypto/key-source.ts';
import { toVerificationKey } from '../src/crypto/verification-key.ts';
import type { AuthenticatedFacts } from '../src/engine/facts.ts';
import { sha256 } from '../src/lib/hash.ts';
import { thumbprintInput } from '../src/possession/dpop-proof.ts';
import { NOW } from './jwt-kit.ts';

export const TOKEN = 'an.access.token';
export const ORIGIN = 'https://api.example.com';

/** What may be wrong with a proof; undefined members are left out. */
export interface ProofParts {
  readonly header?: object | string;
  readonly claims?: object | string;
  /** Signs with the key of another client. */
  readonly forged?: boolean;
}

/** A client that holds a key. */
export interface Prover {
  readonly jwk: JsonWebKey;
  readonly privateJwk: JsonWebKey;
  readonly jkt: string;
  /** A proof for `GET https://api.example.com/orders`, changed by `parts`. */
  readonly proof: (parts?: ProofParts) => Promise<string>;
}

export async function prover(alg: JwsAlgorithm = 'ES256', modulusLength = 2048): Promise<Prover> {
  const { kty, webCrypto } = algorithms[alg];
  const size = kty === 'RSA' && { modulusLength, publicExponent: Uint8Array.of(1, 0, 1) };
  const making = { ...webCrypto, ...size };
  const own = await generate(making);
  const jwk = publicPart(await crypto.subtle.exportKey('jwk', own.publicKey));
  const { jkt } = await identify(jwk);
  return {
    jwk,
    jkt,
    privateJwk: await crypto.subtle.exportKey('jwk', own.privateKey),
    proof: async ({ header, claims, forged = false } = {}) => {
      const data = [
        encode({ typ: 'dpop+jwt', alg, jwk }, header),
        encode(
          {
            jti: crypto.randomUUID(),
            htm: 'GET',
            htu: `${ORIGIN}/orders`,
            iat: NOW / 1000,
            ath: await sha256(TOKEN),
          },
          claims,
        ),
      ].join('.');
      const { privateKey } = forged ? await generate(making) : own;
      const bytes = new TextEncoder().encode(data);
      const signature = await crypto.subtle.sign(webCrypto, privateKey, bytes);
      return `${data}.${Buffer.from(signature).toString('base64url')}`;
    },
  };
}

export async function identify(jwk: object): Promise<{ key: VerificationKey; jkt: string }> {
  const key = toVerificationKey(jwk);
  if (typeof key === 'string') throw new Error(key);
  return { key, jkt: await sha256(thumbprintInput(key)) };
}

/** The facts of a caller whose token is bound to these keys. */
export function boundTo(
  confirmation: Readonly<Record<string, unknown>> | undefined,
  scheme = 'DPoP',
): AuthenticatedFacts {
  return {
    principal: {
      id: 'alice',
      subject: 'alice',
      issuer: 'test',
      scopes: new Set<string>(),
      roles: new Set<string>(),
    },
    authentication: { method: 'test', scheme, claims: {}, confirmation },
  };
}

async function generate(making: Algorithm): Promise<CryptoKeyPair> {
  // Every algorithm here has a pair of keys.
  return (await crypto.subtle.generateKey(making, true, ['sign', 'verify'])) as CryptoKeyPair;
}

function publicPart({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JsonWebKey;
}

function encode(good: object, change: object | string = {}): string {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...good, ...change });
  return Buffer.from(text).toString('base64url');
}
