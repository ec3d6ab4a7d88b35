import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto';
import type { JwsAlgorithm, SignatureVerifier, VerifySignature } from '@apisec/core';
import { webCryptoVerifier } from '@apisec/core/host';

/**
 * Verifies signatures with `node:crypto`, synchronously: denies what WebCrypto denies, and lets a token that was
 * never seen before be decided without a promise. Meant for `authenticateJwt({ verifier })`.
 *
 * @example
 * authenticateJwt({ issuer, audience, verifier: nodeVerifier() });
 */
export function nodeVerifier(): SignatureVerifier {
  return (verificationKey, algorithm) => {
    const { jwk } = verificationKey;
    // The types of Node 20 know nothing of these; where WebCrypto has them, it is asked.
    if (jwk['kty'] === 'AKP') return webCryptoVerifier(verificationKey, algorithm);
    const digest = `sha${algorithm.slice(2)}`;
    if (jwk['kty'] === 'oct') {
      return macVerifier(createSecretKey(jwk['k'] ?? '', 'base64url'), digest);
    }
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    // Ed25519 hashes by itself (RFC 8032 §5.1).
    if (key.asymmetricKeyType === 'ed25519') {
      return (data, signature) => verify(null, data, key, signature);
    }
    const input = inputOf(key, algorithm);
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    const bytes = Math.ceil(modulusLength / 8);
    // RFC 8017 §8.1.2. OpenSSL also takes a signature whose leading zero bytes were cut off.
    return (data, signature) =>
      (bytes === 0 || signature.length === bytes) && verify(digest, data, input, signature);
  };
}

function inputOf(key: KeyObject, algorithm: JwsAlgorithm): VerifyKeyObjectInput {
  switch (algorithm.slice(0, 2)) {
    case 'PS': {
      // RFC 7518 §3.5: the salt is as long as the hash.
      const saltLength = Number(algorithm.slice(2)) / 8;
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    }
    case 'ES':
      return { key, dsaEncoding: 'ieee-p1363' };
    default:
      return { key, padding: constants.RSA_PKCS1_PADDING };
  }
}

function macVerifier(secret: KeyObject, digest: string): VerifySignature {
  return (data, signature) => {
    const mac = createHmac(digest, secret).update(data).digest();
    return mac.length === signature.length && timingSafeEqual(mac, signature);
  };
}
