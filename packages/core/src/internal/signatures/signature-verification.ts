import type { SignatureVerifier } from '../../key-source.ts';
import type { HeadersView } from '../../request.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { signatureCheck } from '../tokens/signature-check.ts';
import { checkContentDigest } from './content-digest.ts';
import type { PresentedSignature } from './signature-input.ts';
import type { PreparedKey } from './signature-keys.ts';
import type { SignatureRefusalCode } from './signature-refusals.ts';

/** What signatures are verified with. */
export interface VerificationOptions {
  readonly findKey: (keyid: string) => MaybePromise<PreparedKey | undefined>;
  readonly verifier: SignatureVerifier;
  /** Whether a `Content-Digest` must be that of the body. */
  readonly coverBody: boolean;
}

/** The key that a text was signed with, or what is wrong. Rejects where no key could be looked up. */
export type Verification = (
  presented: PresentedSignature,
  base: string,
  headers: HeadersView,
  body: Uint8Array,
) => Promise<PreparedKey | SignatureRefusalCode>;

const encoder = new TextEncoder();

/** The digest comes after the signature: of a body nobody signed for, none is computed. */
export function signatureVerification(options: VerificationOptions): Verification {
  const { findKey, verifier, coverBody } = options;
  const isSigned = signatureCheck(verifier);
  return async ({ keyid, alg, signature }, base, headers, body) => {
    const key = await findKey(keyid);
    if (key === undefined) return 'signature.key_unknown';
    if (alg !== undefined && alg !== key.name) return 'signature.algorithm_refused';
    const data = encoder.encode(base);
    if (!(await isSigned({ data, signature }, key.algorithm, [key.key]))) {
      return 'signature.invalid';
    }
    const digest = headers.get('content-digest');
    if (coverBody && digest !== null && digest !== undefined) {
      const answer = await checkContentDigest(digest, body);
      if (answer === 'unreadable') return 'signature.digest_unreadable';
      if (answer === 'wrong') return 'signature.digest_mismatch';
    }
    return key;
  };
}
