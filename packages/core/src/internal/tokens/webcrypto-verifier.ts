import type { SignatureVerifier } from '../../key-source.ts';
import { algorithms } from './jws-algorithms.ts';

/** Verifies with the WebCrypto of the runtime. */
export const webCryptoVerifier: SignatureVerifier = async ({ jwk }, algorithm) => {
  const { webCrypto } = algorithms[algorithm];
  const key = await crypto.subtle.importKey('jwk', jwk, webCrypto, false, ['verify']);
  return (data, signature) => crypto.subtle.verify(webCrypto, key, signature, data);
};
