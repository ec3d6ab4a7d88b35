import type { SignatureVerifier } from '../crypto/key-source.ts';
import { signatureCheck } from '../crypto/signature-check.ts';
import { type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import { type Deny, deny, sharedDenial } from '../engine/outcome.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { checkContentDigest } from './content-digest.ts';
import type { SignableRequest } from './signature-base.ts';
import type { PresentedSignature } from './signature-input.ts';
import type { PreparedKey } from './signature-keys.ts';

/** What signatures are verified with. */
export interface VerificationOptions {
  readonly findKey: (keyid: string) => MaybePromise<PreparedKey | undefined>;
  readonly verifier: SignatureVerifier;
  /** What is configured of the target of every request: for operators. */
  readonly target: object;
  /** Whether a `Content-Digest` must be that of the body. */
  readonly coverBody: boolean;
}

/** What is wrong with a signature; `cause` for operators only, without the signature and what was signed. */
export interface SignatureProblem {
  readonly problem: SignatureDenialCode;
  readonly cause: object;
}

/** The key that a text was signed with, or what is wrong. Rejects where no key could be looked up. */
export type Verification = (
  presented: PresentedSignature,
  base: string,
  request: SignableRequest,
  body: Uint8Array,
) => Promise<PreparedKey | SignatureProblem>;

const encoder = new TextEncoder();

/** The digest comes after the signature: of a body nobody signed for, none is computed. */
export function signatureVerification(options: VerificationOptions): Verification {
  const { findKey, verifier, target, coverBody } = options;
  const isSigned = signatureCheck(verifier);
  return async ({ keyid, alg, covered, signature }, base, { method, headers }, body) => {
    const key = await findKey(keyid);
    if (key === undefined) return { problem: 'signature.key_unknown', cause: { given: { keyid } } };
    if (alg !== undefined && alg !== key.name) {
      const cause = { keyid, expected: { alg: key.name }, given: { alg } };
      return { problem: 'signature.algorithm_refused', cause };
    }
    const data = encoder.encode(base);
    if (!(await isSigned({ data, signature }, key.algorithm, [key.key]))) {
      // Of the target only what is configured. Proxies that change the rest are the usual reason.
      const cause = { keyid, alg: key.name, method, ...target, covered: [...covered] };
      return { problem: 'signature.invalid', cause };
    }
    const digest = headers.get('content-digest');
    if (coverBody && digest !== null && digest !== undefined) {
      const answer = await checkContentDigest(digest, body);
      const cause = { keyid, expected: ['sha-256 or sha-512 of the body'], bytes: body.length };
      if (answer === 'unreadable') return { problem: 'signature.digest_unreadable', cause };
      if (answer === 'wrong') return { problem: 'signature.digest_mismatch', cause };
    }
    return key;
  };
}

/** 400. */
const badRequests = {
  'signature.malformed': 'The signature headers are not well formed.',
  'signature.too_large': 'The signature headers are too large.',
  'signature.ambiguous': 'The request has several signatures that could be meant.',
  'signature.component_unsupported': 'The signature covers a component that is not supported here.',
  'signature.digest_unreadable': 'The Content-Digest header cannot be read.',
  'signature.body_uncovered': 'This operation takes no request body.',
} as const;

/** 401. */
const badSignatures = {
  'signature.component_uncovered': 'The signature does not cover everything that it must.',
  'signature.component_missing': 'The signature covers something that the request lacks.',
  'signature.expired': 'The signature is too old.',
  'signature.not_yet_valid': 'The signature was made in the future.',
  'signature.nonce_missing': 'The signature has no nonce.',
  'signature.key_unknown': 'The key of the signature is not known.',
  'signature.algorithm_refused': 'The signature names another algorithm than that of its key.',
  'signature.invalid': 'The signature is not valid.',
  'signature.digest_mismatch': 'The body is not the one that was signed.',
  'signature.replayed': 'The signature was used before.',
} as const;

/** Codes of `authenticateSignature` for what the caller sent. */
export type SignatureDenialCode =
  | 'credentials.missing'
  | keyof typeof badRequests
  | keyof typeof badSignatures;

/** Words every denial once. All but "no signature" are conclusive. */
export function signatureDenials(
  policy: string,
  options: Pick<ChallengeOptions, 'realm'>,
): Readonly<Record<SignatureDenialCode, Deny>> {
  const challenges = [{ scheme: 'Signature', params: challengeParams(policy, options) }];
  const conclusive = true;
  const made: Record<string, Deny> = {
    'credentials.missing': sharedDenial({
      kind: 'unauthenticated',
      code: 'credentials.missing',
      detail: 'This operation needs a signed request.',
      challenges,
    }),
  };
  for (const [code, detail] of Object.entries(badRequests)) {
    made[code] = sharedDenial({ kind: 'malformed', code, detail }, { conclusive });
  }
  for (const [code, detail] of Object.entries(badSignatures)) {
    const denial = { kind: 'unauthenticated', code, detail, challenges } as const;
    made[code] = sharedDenial(denial, { conclusive });
  }
  // Every code was made above.
  return Object.freeze(made) as Readonly<Record<SignatureDenialCode, Deny>>;
}

/** Denies where keys or replay store do not answer. */
export function signatureUnavailable(cause: unknown): Deny {
  return deny('unavailable', 'signature.unavailable', {
    detail: 'The signature cannot be verified at the moment.',
    cause,
    conclusive: true,
  });
}
