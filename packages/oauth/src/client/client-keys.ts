import type { PrivateJwk } from '@apisec/core';
import { assertConfiguration, assertUnpublishedKey } from '@apisec/core/host';

const HASHES: Readonly<Record<string, string>> = { 256: 'SHA-256', 384: 'SHA-384', 512: 'SHA-512' };
const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A private key that signs, with its public half, for WebCrypto. */
export interface ClientKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

type Parameters = RsaHashedImportParams | EcKeyImportParams | { readonly name: 'Ed25519' };

/**
 * Reads a private JWK; imported when it is first used, and once.
 *
 * @throws ConfigurationError when it is not a private key with an algorithm that can sign, or it is published.
 */
export function clientKeyPair(where: string, jwk: PrivateJwk): () => Promise<ClientKeyPair> {
  const parameters = parametersOf(jwk?.alg);
  assertConfiguration(
    parameters !== undefined && typeof jwk.d === 'string' && typeof jwk.kid === 'string',
    `${where} must be a private JWK with "kid", "alg" (like "ES256") and "d".`,
  );
  assertUnpublishedKey(where, jwk);
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, key_ops: _ops, ...open } = jwk;
  const { key_ops: _operations, ...secret } = jwk;
  const load = async (): Promise<ClientKeyPair> => {
    const keys = [
      // The types of the DOM know mutable JWKs alone.
      crypto.subtle.importKey('jwk', secret as JsonWebKey, parameters, false, ['sign']),
      crypto.subtle.importKey('jwk', open as JsonWebKey, parameters, true, ['verify']),
    ] as const;
    const [privateKey, publicKey] = await Promise.all(keys);
    return { privateKey, publicKey };
  };
  let loaded: Promise<ClientKeyPair> | undefined;
  return () => (loaded ??= load());
}

/** A key pair that this process makes for itself when it is first used. */
export function freshKeyPair(): () => Promise<ClientKeyPair> {
  let made: Promise<ClientKeyPair> | undefined;
  return () =>
    (made ??= crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ]));
}

function parametersOf(alg: unknown): Parameters | undefined {
  if (alg === 'EdDSA' || alg === 'Ed25519') return { name: 'Ed25519' };
  if (typeof alg !== 'string') return undefined;
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return { name: 'ECDSA', namedCurve };
  const hash = HASHES[alg.slice(2)];
  if (hash === undefined) return undefined;
  if (alg.startsWith('RS')) return { name: 'RSASSA-PKCS1-v1_5', hash };
  return alg.startsWith('PS') ? { name: 'RSA-PSS', hash } : undefined;
}
