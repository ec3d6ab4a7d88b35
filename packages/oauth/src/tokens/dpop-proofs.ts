import { encodeBase64url, sha256 } from '@apisec/core/host';
import type { ClientKeyPair } from '../client/client-keys.ts';
import { randomToken } from '../lib/random.ts';

/** Proofs of possession for calls to APIs (RFC 9449 §4), with the last nonce of each origin. */
export interface DpopProofs {
  readonly proof: (method: string, url: string, accessToken: string) => Promise<string>;
  /** Keeps the nonce that an answer names; true where it is another one than before. */
  readonly keepNonce: (url: string, headers: Headers) => boolean;
}

/** Origins whose nonces are kept. */
const MOST_ORIGINS = 100;
const utf8 = new TextEncoder();

export function dpopProofs(keys: () => Promise<ClientKeyPair>, now: () => number): DpopProofs {
  const nonces = new Map<string, string>();
  return {
    proof: async (method, url, accessToken) => {
      const { privateKey, publicKey } = await keys();
      const { origin, pathname } = new URL(url);
      const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', publicKey);
      const { alg, parameters } = algorithmOf(privateKey);
      const header = { typ: 'dpop+jwt', alg, jwk: { kty, crv, x, y, n, e } };
      const claims = {
        jti: randomToken(),
        htm: method,
        htu: origin + pathname,
        iat: Math.floor(now() / 1_000),
        ath: await sha256(accessToken),
        nonce: nonces.get(origin),
      };
      const data = [header, claims]
        .map((part) => encodeBase64url(utf8.encode(JSON.stringify(part))))
        .join('.');
      const signature = await crypto.subtle.sign(parameters, privateKey, utf8.encode(data));
      return `${data}.${encodeBase64url(new Uint8Array(signature))}`;
    },
    keepNonce: (url, headers) => {
      const nonce = headers.get('dpop-nonce');
      // RFC 9449 §8.1: what a nonce may consist of.
      if (nonce === null || !/^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/.test(nonce)) return false;
      const { origin } = new URL(url);
      const isNew = nonces.get(origin) !== nonce;
      nonces.delete(origin);
      const [oldest] = nonces.keys();
      if (oldest !== undefined && nonces.size >= MOST_ORIGINS) nonces.delete(oldest);
      nonces.set(origin, nonce);
      return isNew;
    },
  };
}

function algorithmOf({ algorithm }: CryptoKey): {
  readonly alg: string;
  readonly parameters: AlgorithmIdentifier | EcdsaParams | RsaPssParams;
} {
  const { name, namedCurve, hash } = algorithm as KeyAlgorithm & {
    readonly namedCurve?: string;
    readonly hash?: { readonly name: string };
  };
  if (name === 'ECDSA') {
    const bits = namedCurve === 'P-256' ? '256' : namedCurve === 'P-384' ? '384' : '512';
    return { alg: `ES${bits}`, parameters: { name, hash: `SHA-${bits}` } };
  }
  if (name === 'Ed25519') return { alg: 'Ed25519', parameters: { name } };
  const bits = hash?.name.slice('SHA-'.length) ?? '256';
  return name === 'RSA-PSS'
    ? { alg: `PS${bits}`, parameters: { name, saltLength: Number(bits) / 8 } }
    : { alg: `RS${bits}`, parameters: { name } };
}
