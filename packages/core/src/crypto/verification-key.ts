import { decodeBase64url } from '../lib/base64url.ts';
import { isObject, member } from '../lib/strict-json.ts';
import { algorithms, algorithmsOf, isAlgorithm } from './jws-algorithms.ts';
import type {
  Jwk,
  JwsAlgorithm,
  KeyAnswer,
  KeyHint,
  KeySet,
  SignatureVerifier,
  VerificationKey,
} from './key-source.ts';

const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 16_384;
const MOST_EXPONENT_BYTES = 8;
const MOST_CANDIDATES = 4;

/** Members that only a private key has (RFC 7518 §6.2.2, §6.3.2; `priv` of post-quantum keys). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];
/** How long each coordinate of a curve is. */
export const COORDINATE_BYTES: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
};

/** Why a JWK may not verify signatures, in words that complete "this key cannot be used: …". */
const PROBLEMS = {
  object: 'it is not an object',
  kty: 'it has no "kty"',
  kid: 'its "kid" is not a string',
  private: 'it holds a private key; give only the public members',
  use: 'its "use" is not "sig"',
  key_ops: 'its "key_ops" lacks "verify"',
  unsupported: 'its "kty" or "crv" is not supported',
  k: 'its "k" is not base64url',
  pub: 'its "pub" is not a public key of its "alg"',
  rsa: 'its "n" or "e" is not base64url',
  n: 'its modulus must have 2048 to 16384 bits',
  e: 'its public exponent is not safe',
  x: 'its "x" is not a coordinate on its curve',
  y: 'its "y" is not a coordinate on its curve',
  none: 'it is too short a secret: HS256 needs 32 bytes, HS384 48 and HS512 64',
  alg: 'its "alg" does not fit the key, or is not supported',
};

type JwkProblem = keyof typeof PROBLEMS;

/** The same as {@link readVerificationKey} for people: in words why the key may not verify signatures. */
export function toVerificationKey(jwk: unknown): VerificationKey | string {
  const key = readVerificationKey(jwk);
  if (typeof key !== 'string') return key;
  const { kty, alg } = Object(jwk) as Jwk;
  const fitsLonger = kty === 'oct' && isAlgorithm(alg) && algorithms[alg].kty === 'oct';
  return PROBLEMS[key === 'alg' && fitsLonger ? 'none' : key];
}

/**
 * A JWK as a key that may verify signatures, or what is wrong with it. Its own `use`, `key_ops` and `alg` are
 * binding (RFC 8725 §3.1: one key, one use). Where keys come from a server nobody reads the words, so they
 * stay out of its bundles.
 */
export function readVerificationKey(jwk: unknown): VerificationKey | JwkProblem {
  if (!isObject(jwk)) return 'object';
  const text = (name: string): string | undefined => {
    const value = member(jwk, name);
    return typeof value === 'string' ? value : undefined;
  };
  const kty = text('kty');
  const crv = text('crv');
  const kid = text('kid');
  if (kty === undefined) return 'kty';
  if (kid === undefined && member(jwk, 'kid') !== undefined) return 'kid';
  // Some runtimes export keys with every member that there may be, most of them undefined.
  if (PRIVATE.some((name) => member(jwk, name) !== undefined)) return 'private';
  const use = member(jwk, 'use');
  if (use !== undefined && use !== 'sig') return 'use';
  const operations = member(jwk, 'key_ops');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'key_ops';
  }
  const material = materialOf(kty, crv, text);
  if (typeof material === 'string') return material;
  const fitting = algorithmsOf(kty, crv).filter(
    (name) => (algorithms[name].leastBytes ?? 0) <= material.bytes,
  );
  const alg = member(jwk, 'alg');
  const allowed = alg === undefined ? fitting : fitting.filter((name) => isSame(name, alg));
  if (allowed.length === 0) return alg === undefined ? 'none' : 'alg';
  return Object.freeze({
    kid,
    algorithms: Object.freeze(allowed),
    jwk: Object.freeze(material.jwk),
  });
}

/** `EdDSA` on this curve and `Ed25519` are two names of one algorithm (RFC 9864 §2.2). */
function isSame(name: JwsAlgorithm, alg: unknown): boolean {
  return isAlgorithm(alg) && algorithms[name] === algorithms[alg];
}

interface Material {
  readonly jwk: Record<string, string>;
  readonly bytes: number;
}

function materialOf(
  kty: string,
  crv: string | undefined,
  text: (name: string) => string | undefined,
): Material | JwkProblem {
  if (kty === 'oct') {
    const k = text('k') ?? '';
    const bytes = decodeBase64url(k)?.length;
    return bytes ? { jwk: { kty, k }, bytes } : 'k';
  }
  if (kty === 'RSA') {
    const n = text('n') ?? '';
    const e = text('e') ?? '';
    const modulus = decodeBase64url(n);
    const exponent = decodeBase64url(e);
    if (!modulus || !exponent) return 'rsa';
    const bits = bitLength(modulus);
    if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS) return 'n';
    // With e = 1 anyone can sign; an even one is no RSA key.
    const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
    if (!odd || bitLength(exponent) < 2 || exponent.length > MOST_EXPONENT_BYTES) return 'e';
    return { jwk: { kty, n, e }, bytes: modulus.length };
  }
  if (kty === 'AKP') {
    const alg = text('alg');
    const pub = text('pub') ?? '';
    if (!isAlgorithm(alg) || algorithms[alg].kty !== 'AKP') return 'alg';
    const bytes = decodeBase64url(pub)?.length ?? 0;
    // WebCrypto needs the name as well: this kind of key says by it what it is.
    return bytes === algorithms[alg].publicBytes ? { jwk: { kty, alg, pub }, bytes } : 'pub';
  }
  const bytes = crv === undefined ? undefined : member(COORDINATE_BYTES, crv);
  if ((kty !== 'EC' && kty !== 'OKP') || crv === undefined || typeof bytes !== 'number') {
    return 'unsupported';
  }
  const jwk: Record<string, string> = { kty, crv };
  for (const name of kty === 'EC' ? (['x', 'y'] as const) : (['x'] as const)) {
    const coordinate = text(name) ?? '';
    if (decodeBase64url(coordinate)?.length !== bytes) return name;
    jwk[name] = coordinate;
  }
  return { jwk, bytes };
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  return (bytes.length - first) * 8 - Math.clz32(bytes[first] as number) + 24;
}

/**
 * The keys of a set that may have signed a token. More than a few that fit equally well are denied: each
 * would cost one verification.
 */
export function selectKeys(set: KeySet, { alg, kid }: KeyHint): KeyAnswer {
  const keys = set.keys.filter(
    (key) => (kid === undefined || key.kid === kid) && key.algorithms.includes(alg),
  );
  if (keys.length === 0) return UNKNOWN;
  return keys.length > MOST_CANDIDATES ? AMBIGUOUS : { ok: true, keys, set };
}

const UNKNOWN: KeyAnswer = Object.freeze({ ok: false, reason: 'unknown' });
const AMBIGUOUS: KeyAnswer = Object.freeze({ ok: false, reason: 'ambiguous' });

/** Verifies with the WebCrypto of the runtime. */
export const webCryptoVerifier: SignatureVerifier = async ({ jwk }, algorithm) => {
  const { webCrypto } = algorithms[algorithm];
  const key = await crypto.subtle.importKey('jwk', jwk, webCrypto, false, ['verify']);
  return (data, signature) => crypto.subtle.verify(webCrypto, key, signature, data);
};
