import type { JwsAlgorithm, KeyAnswer, KeyHint, KeySet, VerificationKey } from '../key-source.ts';
import { decodeBase64url } from './base64url.ts';
import { algorithms, algorithmsOf } from './jws-algorithms.ts';
import { isObject, member } from './strict-json.ts';

const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 16_384;
const MOST_EXPONENT_BYTES = 8;
const MOST_CANDIDATES = 4;

/** Members that only a private key has (RFC 7518 §6.2.2, §6.3.2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];
const COORDINATE_BYTES: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
};

/**
 * A JWK as a key that may verify signatures, or in words why it may not. Its own `use`, `key_ops` and
 * `alg` are binding (RFC 8725 §3.1: one key, one use).
 */
export function toVerificationKey(jwk: unknown): VerificationKey | string {
  if (!isObject(jwk)) return 'it is no object';
  const text = (name: string): string | undefined => {
    const value = member(jwk, name);
    return typeof value === 'string' ? value : undefined;
  };
  const kty = text('kty');
  const crv = text('crv');
  if (kty === undefined) return 'it has no "kty"';
  const kid = member(jwk, 'kid');
  if (kid !== undefined && typeof kid !== 'string') return 'its "kid" is no string';
  if (PRIVATE.some((name) => Object.hasOwn(jwk, name))) {
    return 'it holds a private key; give only the public members';
  }
  const use = member(jwk, 'use');
  if (use !== undefined && use !== 'sig') return 'its "use" is not "sig"';
  const operations = member(jwk, 'key_ops');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'its "key_ops" lacks "verify"';
  }
  const material = materialOf(kty, crv, text);
  if (typeof material === 'string') return material;
  const fitting = algorithmsOf(kty, crv).filter(
    (name) => (algorithms[name].leastBytes ?? 0) <= material.bytes,
  );
  const alg = member(jwk, 'alg');
  const allowed = alg === undefined ? fitting : fitting.filter((name) => isSame(name, alg));
  if (allowed.length === 0) {
    return alg === undefined
      ? 'no signature algorithm can use it'
      : 'its "alg" does not fit the key, or is not supported';
  }
  return Object.freeze({
    kid,
    algorithms: Object.freeze(allowed),
    jwk: Object.freeze(material.jwk),
  });
}

/** `EdDSA` on this curve and `Ed25519` are two names of one algorithm (RFC 9864 §2.2). */
function isSame(name: JwsAlgorithm, alg: unknown): boolean {
  if (name === alg) return true;
  return (name === 'EdDSA' && alg === 'Ed25519') || (name === 'Ed25519' && alg === 'EdDSA');
}

interface Material {
  readonly jwk: Record<string, string>;
  readonly bytes: number;
}

function materialOf(
  kty: string,
  crv: string | undefined,
  text: (name: string) => string | undefined,
): Material | string {
  if (kty === 'oct') {
    const k = text('k');
    const secret = k === undefined ? undefined : decodeBase64url(k);
    if (k === undefined || secret === undefined) return 'its "k" is no base64url';
    return { jwk: { kty, k }, bytes: secret.length };
  }
  if (kty === 'RSA') {
    const [n, e] = [text('n'), text('e')];
    const modulus = n === undefined ? undefined : decodeBase64url(n);
    const exponent = e === undefined ? undefined : decodeBase64url(e);
    if (n === undefined || e === undefined || !modulus || !exponent) {
      return 'its "n" or "e" is no base64url';
    }
    const bits = bitLength(modulus);
    if (bits < LEAST_RSA_BITS) return `its modulus is shorter than ${LEAST_RSA_BITS} bits`;
    if (bits > MOST_RSA_BITS) return `its modulus is longer than ${MOST_RSA_BITS} bits`;
    // With e = 1 anyone can sign; an even one is no RSA key.
    const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
    if (!odd || bitLength(exponent) < 2 || exponent.length > MOST_EXPONENT_BYTES) {
      return 'its public exponent is not safe';
    }
    return { jwk: { kty, n, e }, bytes: modulus.length };
  }
  const bytes = crv === undefined ? undefined : member(COORDINATE_BYTES, crv);
  if ((kty !== 'EC' && kty !== 'OKP') || crv === undefined || typeof bytes !== 'number') {
    return 'its "kty" or "crv" is not supported';
  }
  const jwk: Record<string, string> = { kty, crv };
  for (const name of kty === 'EC' ? ['x', 'y'] : ['x']) {
    const coordinate = text(name);
    if (coordinate === undefined || decodeBase64url(coordinate)?.length !== bytes) {
      return `its "${name}" is no coordinate on ${crv}`;
    }
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
 * The keys of a set that may have signed a token. More than a few that fit equally well are refused: each
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
