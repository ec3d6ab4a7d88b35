import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { parseStrictObject } from '../lib/strict-json.ts';
import { parseCompactJws } from './compact-jws.ts';
import { isAlgorithm, isSymmetric } from './jws-algorithms.ts';
import type { KeyAnswer, KeySource } from './key-source.ts';
import { signatureCheck } from './signature-check.ts';
import { webCryptoVerifier } from './verification-key.ts';

/** A signed JSON object whose signature is good, or why there is none. Claims are for the caller to check. */
export type VerifiedJws =
  | {
      readonly ok: true;
      readonly typ: string | undefined;
      readonly alg: string;
      readonly claims: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly reason: 'invalid' }
  | {
      readonly ok: false;
      readonly reason: 'unavailable';
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    };

const INVALID: VerifiedJws = Object.freeze({ ok: false, reason: 'invalid' });
const MOST_CHARACTERS = 16_384;
const isSigned = signatureCheck(webCryptoVerifier);

/**
 * Verifies a compact JWS with the public keys of one issuer: canonical form first, then the algorithm, then the
 * signature. For tokens that are not access tokens: ID tokens, logout tokens. Checks no claim. Never rejects.
 */
export function verifyJws(token: string, keys: KeySource): MaybePromise<VerifiedJws> {
  const jws = token.length > MOST_CHARACTERS ? undefined : parseCompactJws(token);
  const claims = jws && parseStrictObject(jws.payload);
  if (jws === undefined || claims === undefined) return INVALID;
  const { alg, kid, typ } = jws;
  if (!isAlgorithm(alg) || isSymmetric(alg) || keys.symmetric) return INVALID;
  const good: VerifiedJws = { ok: true, typ, alg, claims };
  const check = (answer: KeyAnswer): MaybePromise<VerifiedJws> => {
    if (!answer.ok) {
      if (answer.reason !== 'unavailable') return INVALID;
      return {
        ok: false,
        reason: 'unavailable',
        retryAfterMs: answer.retryAfterMs,
        cause: answer.cause,
      };
    }
    const signed = isSigned(jws, alg, answer.keys);
    if (!isThenable(signed)) return signed ? good : INVALID;
    return Promise.resolve(signed).then((late) => (late ? good : INVALID));
  };
  const found = keys.find({ alg, kid });
  return isThenable(found) ? Promise.resolve(found).then(check) : check(found);
}
