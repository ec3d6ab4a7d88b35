import { decodeBase64url } from '../lib/base64url.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import type { CompactJws } from './compact-jws.ts';
import type {
  JwsAlgorithm,
  SignatureVerifier,
  VerificationKey,
  VerifySignature,
} from './key-source.ts';

/** What was signed, and the signature. */
export type Signed = Pick<CompactJws, 'data' | 'signature'>;

/** True where one of the keys made the signature. Never throws, never rejects. */
export type SignatureCheck = (
  signed: Signed,
  algorithm: JwsAlgorithm,
  keys: readonly VerificationKey[],
) => MaybePromise<boolean>;

/** Checks signatures with keys that are made ready once and kept as long as their key set lives. */
export function signatureCheck(verifier: SignatureVerifier): SignatureCheck {
  const ready = new WeakMap<VerificationKey, Map<JwsAlgorithm, MaybePromise<VerifySignature>>>();
  const lengths = new WeakMap<VerificationKey, number>();

  const fits = (signature: Uint8Array, key: VerificationKey): boolean => {
    const length = lengths.get(key) ?? modulusLength(key);
    lengths.set(key, length);
    return length === 0 || signature.length === length;
  };

  const prepare = (
    key: VerificationKey,
    algorithm: JwsAlgorithm,
  ): MaybePromise<VerifySignature> => {
    const known = ready.get(key) ?? new Map<JwsAlgorithm, MaybePromise<VerifySignature>>();
    ready.set(key, known);
    const found = known.get(algorithm);
    if (found !== undefined) return found;
    const made = verifier(key, algorithm);
    known.set(algorithm, made);
    if (isThenable(made)) {
      made.then(
        (verify) => known.set(algorithm, verify),
        () => known.delete(algorithm),
      );
    }
    return made;
  };

  const one = (
    { data, signature }: Signed,
    algorithm: JwsAlgorithm,
    key: VerificationKey,
  ): MaybePromise<boolean> =>
    chain(
      () => {
        if (!fits(signature, key)) return false;
        const verify = prepare(key, algorithm);
        return isThenable(verify)
          ? verify.then((late) => late(data, signature))
          : verify(data, signature);
      },
      (valid) => valid === true,
      () => false,
    );

  const from = (
    signed: Signed,
    algorithm: JwsAlgorithm,
    keys: readonly VerificationKey[],
    index: number,
  ): MaybePromise<boolean> => {
    const key = keys[index];
    if (key === undefined) return false;
    const valid = one(signed, algorithm, key);
    if (isThenable(valid))
      return valid.then((late) => late || from(signed, algorithm, keys, index + 1));
    return valid || from(signed, algorithm, keys, index + 1);
  };
  return (signed, algorithm, keys) => from(signed, algorithm, keys, 0);
}

/**
 * The bytes of an RSA modulus, 0 for other keys. A signature is as long (RFC 8017 §8.1.2); OpenSSL also takes one
 * whose leading zero bytes were cut off, which would be a second spelling of the same token.
 */
function modulusLength({ jwk }: VerificationKey): number {
  const modulus = jwk['n'] === undefined ? undefined : decodeBase64url(jwk['n']);
  return modulus === undefined ? 0 : modulus.length - modulus.findIndex((byte) => byte !== 0);
}
