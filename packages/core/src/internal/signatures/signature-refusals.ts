import { type Deny, deny } from '../../outcome.ts';
import { sharedRefusal } from '../shared-refusal.ts';
import { type ChallengeOptions, challengeParams } from '../tokens/token-refusals.ts';

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
export type SignatureRefusalCode =
  | 'credentials.missing'
  | keyof typeof badRequests
  | keyof typeof badSignatures;

/** Words every refusal once. All but "no signature" are conclusive. */
export function signatureRefusals(
  policy: string,
  options: Pick<ChallengeOptions, 'realm'>,
): Readonly<Record<SignatureRefusalCode, Deny>> {
  const challenges = [{ scheme: 'Signature', params: challengeParams(policy, options) }];
  const conclusive = true;
  const made: Record<string, Deny> = {
    'credentials.missing': sharedRefusal({
      kind: 'unauthenticated',
      code: 'credentials.missing',
      detail: 'This operation needs a signed request.',
      challenges,
    }),
  };
  for (const [code, detail] of Object.entries(badRequests)) {
    made[code] = sharedRefusal({ kind: 'malformed', code, detail }, { conclusive });
  }
  for (const [code, detail] of Object.entries(badSignatures)) {
    const denial = { kind: 'unauthenticated', code, detail, challenges } as const;
    made[code] = sharedRefusal(denial, { conclusive });
  }
  // Every code was made above.
  return Object.freeze(made) as Readonly<Record<SignatureRefusalCode, Deny>>;
}

/** Refuses where keys or replay store do not answer. */
export function signatureUnavailable(cause: unknown): Deny {
  return deny('unavailable', 'signature.unavailable', {
    detail: 'The signature cannot be verified at the moment.',
    cause,
    conclusive: true,
  });
}
