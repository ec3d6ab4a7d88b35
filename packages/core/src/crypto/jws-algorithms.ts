import type { JwsAlgorithm } from './key-source.ts';

/** Everything that one algorithm stands for. */
interface AlgorithmInfo {
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'AKP' | 'oct';
  readonly crv?: string;
  /** For WebCrypto: how to import its keys, and how to verify; each takes what it needs. */
  readonly webCrypto: {
    readonly name: string;
    readonly hash?: string;
    readonly namedCurve?: string;
    readonly saltLength?: number;
  };
  /** For shared secrets: the least length in bytes (RFC 7518 §3.2). */
  readonly leastBytes?: number;
  /** For post-quantum keys: the length of a public key in bytes (FIPS 204, table 2). */
  readonly publicBytes?: number;
}

type Bits = 256 | 384 | 512;

const rsa = (bits: Bits): AlgorithmInfo => ({
  kty: 'RSA',
  webCrypto: { name: 'RSASSA-PKCS1-v1_5', hash: `SHA-${bits}` },
});
const pss = (bits: Bits): AlgorithmInfo => ({
  kty: 'RSA',
  webCrypto: { name: 'RSA-PSS', hash: `SHA-${bits}`, saltLength: bits / 8 },
});
const ecdsa = (bits: Bits, crv: string): AlgorithmInfo => ({
  kty: 'EC',
  crv,
  webCrypto: { name: 'ECDSA', namedCurve: crv, hash: `SHA-${bits}` },
});
const hmac = (bits: Bits): AlgorithmInfo => ({
  kty: 'oct',
  webCrypto: { name: 'HMAC', hash: `SHA-${bits}` },
  leastBytes: bits / 8,
});
const mldsa = (name: string, publicBytes: number): AlgorithmInfo => ({
  kty: 'AKP',
  webCrypto: { name },
  publicBytes,
});
const ed25519: AlgorithmInfo = { kty: 'OKP', crv: 'Ed25519', webCrypto: { name: 'Ed25519' } };

export const algorithms: Readonly<Record<JwsAlgorithm, AlgorithmInfo>> = {
  RS256: rsa(256),
  RS384: rsa(384),
  RS512: rsa(512),
  PS256: pss(256),
  PS384: pss(384),
  PS512: pss(512),
  ES256: ecdsa(256, 'P-256'),
  ES384: ecdsa(384, 'P-384'),
  ES512: ecdsa(512, 'P-521'),
  EdDSA: ed25519,
  Ed25519: ed25519,
  'ML-DSA-44': mldsa('ML-DSA-44', 1312),
  'ML-DSA-65': mldsa('ML-DSA-65', 1952),
  'ML-DSA-87': mldsa('ML-DSA-87', 2592),
  HS256: hmac(256),
  HS384: hmac(384),
  HS512: hmac(512),
};

// The keys of the table are its type.
const names = Object.keys(algorithms) as JwsAlgorithm[];

/**
 * What may sign unless the user says otherwise: everything that needs no shared secret and that every runtime has.
 * ML-DSA is taken where it is listed.
 */
export const asymmetricAlgorithms: readonly JwsAlgorithm[] = Object.freeze(
  names.filter((name) => !isSymmetric(name) && algorithms[name].kty !== 'AKP'),
);

export function isAlgorithm(value: unknown): value is JwsAlgorithm {
  return typeof value === 'string' && Object.hasOwn(algorithms, value);
}

export function isSymmetric(algorithm: JwsAlgorithm): boolean {
  return algorithms[algorithm].kty === 'oct';
}

/** The algorithms that a kind of key can be used with at all. */
export function algorithmsOf(kty: string, crv: string | undefined): readonly JwsAlgorithm[] {
  return names.filter((name) => {
    const info = algorithms[name];
    return info.kty === kty && (info.crv === undefined || info.crv === crv);
  });
}
