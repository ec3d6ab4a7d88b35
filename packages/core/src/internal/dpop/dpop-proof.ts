import type { JwsAlgorithm, VerificationKey } from '../../key-source.ts';
import type { HeadersView } from '../../request.ts';
import { isObject, member, parseStrictObject } from '../text/strict-json.ts';
import { type CompactJws, parseCompactJws } from '../tokens/compact-jws.ts';
import { dateClaim, INVALID, textClaim } from '../tokens/jwt-claims.ts';
import { toVerificationKey } from '../tokens/verification-key.ts';
import type { DpopRefusalCode } from './dpop-refusals.ts';

/** A DPoP proof that is well formed. Nothing in it was compared or verified. */
export interface DpopProof {
  readonly jws: CompactJws;
  readonly alg: JwsAlgorithm;
  readonly key: VerificationKey;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Epoch milliseconds. */
  readonly iat: number;
  readonly ath: string;
  readonly nonce: string | undefined;
}

const MAX_PROOF_LENGTH = 8192;
/** RFC 9449 §11.1: what is remembered of a proof must be bounded. A UUID has 36 characters. */
const MAX_ID_LENGTH = 256;
/** 4096 bits in base64url: keys are chosen by callers, and longer ones cost the server. */
const MAX_MODULUS_LENGTH = 683;

/**
 * The proof of a call, or what is wrong with it: the checks 1 to 4, 7 and those of form in 5 of RFC 9449
 * §4.3. In time linear in the header.
 */
export function readProof(
  headers: HeadersView,
  algorithms: ReadonlySet<string>,
): DpopProof | DpopRefusalCode {
  const value = headers.get('dpop');
  if (value === null || value === undefined) return 'dpop.missing';
  // A field that was sent twice arrives joined, and a JWT has no comma.
  if (value.includes(',')) return 'dpop.repeated';
  if (value.length > MAX_PROOF_LENGTH) return 'dpop.malformed';
  const jws = parseCompactJws(value);
  const claims = jws && parseStrictObject(jws.payload);
  if (jws === undefined || claims === undefined) return 'dpop.malformed';
  if (jws.typ !== 'dpop+jwt') return 'dpop.type_refused';
  if (!algorithms.has(jws.alg)) return 'dpop.algorithm_refused';
  // Only names of algorithms are in the set.
  const alg = jws.alg as JwsAlgorithm;
  const key = keyOf(jws, alg);
  if (key === undefined) return 'dpop.key_refused';
  if (REQUIRED.some((name) => member(claims, name) === undefined)) return 'dpop.claim_missing';
  const [jti, htm, htu, ath, nonce] = TEXTS.map((name) => textClaim(claims, name));
  const iat = dateClaim(claims, 'iat');
  if (!isText(jti) || jti.length > MAX_ID_LENGTH || !isText(htm) || !isText(htu) || !isText(ath)) {
    return 'dpop.claim_invalid';
  }
  if (typeof iat !== 'number' || nonce === INVALID) return 'dpop.claim_invalid';
  return { jws, alg, key, jti, htm, htu, iat, ath, nonce };
}

const REQUIRED = ['jti', 'htm', 'htu', 'iat', 'ath'];
const TEXTS = ['jti', 'htm', 'htu', 'ath', 'nonce'];

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** The key in the header, where it is public, strong enough and of the kind that `alg` needs. */
function keyOf({ header }: CompactJws, alg: JwsAlgorithm): VerificationKey | undefined {
  const jwk = member(header, 'jwk');
  // The secret of an HMAC in a header is no proof of anything.
  if (!isObject(jwk) || Object.hasOwn(jwk, 'k')) return undefined;
  const key = toVerificationKey(jwk);
  if (typeof key === 'string' || !key.algorithms.includes(alg)) return undefined;
  return (key.jwk['n'] ?? '').length > MAX_MODULUS_LENGTH ? undefined : key;
}
