import type { Obligations } from '../../obligations.ts';
import type { Deny } from '../../outcome.ts';
import { sharedRefusal } from '../shared-refusal.ts';

/** RFC 9449 §7.1, §12.2: the proof is at fault. */
const badProofs = {
  'dpop.missing': 'The access token needs a DPoP proof.',
  'dpop.repeated': 'The DPoP header must be sent once.',
  'dpop.malformed': 'The DPoP proof is not well formed.',
  'dpop.type_refused': 'The DPoP proof is not of type dpop+jwt.',
  'dpop.algorithm_refused': 'The DPoP proof is signed with an algorithm that is not allowed.',
  'dpop.key_refused': 'The DPoP proof has no usable public key in its header.',
  'dpop.claim_missing': 'The DPoP proof lacks a required claim.',
  'dpop.claim_invalid': 'The DPoP proof has a claim that is not well formed.',
  'dpop.method_mismatch': 'The DPoP proof was made for another method.',
  'dpop.target_mismatch': 'The DPoP proof was made for another URI.',
  'dpop.expired': 'The DPoP proof is too old.',
  'dpop.not_yet_valid': 'The DPoP proof was made in the future.',
  'dpop.token_mismatch': 'The DPoP proof was made for another access token.',
  'dpop.signature_invalid': 'The signature of the DPoP proof is not valid.',
  'dpop.replayed': 'The DPoP proof was used before.',
} as const;

/** RFC 9449 §9: the text is the RFC's own. */
const badNonces = {
  'dpop.nonce_missing': 'Resource server requires nonce in DPoP proof',
  'dpop.nonce_refused': 'Resource server requires nonce in DPoP proof',
} as const;

/** RFC 9449 §7.1: the token is at fault. */
const badTokens = {
  'dpop.key_mismatch': 'Invalid DPoP key binding',
  'dpop.token_unbound': 'The access token is not bound to a DPoP key.',
  'dpop.scheme_refused': 'The access token is bound to a DPoP key and must be sent as DPoP.',
} as const;

/** Codes of `requireDpop` for what the caller sent. */
export type DpopRefusalCode =
  | keyof typeof badProofs
  | keyof typeof badNonces
  | keyof typeof badTokens;

/** Words every refusal once; `common` stands in each challenge. */
export function dpopRefusals(
  common: Readonly<Record<string, string>>,
  algorithms: readonly string[],
): (code: DpopRefusalCode, obligations?: Obligations) => Deny {
  const made = new Map<string, Deny>();
  const make = (error: string, details: Readonly<Record<string, string>>): void => {
    for (const [code, detail] of Object.entries(details)) {
      const params = {
        ...common,
        error,
        error_description: detail,
        algs: algorithms.join(' '),
      };
      const denial = {
        kind: 'unauthenticated' as const,
        code,
        detail,
        challenges: [{ scheme: 'DPoP', params }],
      };
      made.set(code, sharedRefusal(denial, { conclusive: true }));
    }
  };
  make('invalid_dpop_proof', badProofs);
  make('use_dpop_nonce', badNonces);
  make('invalid_token', badTokens);
  return (code, obligations) => {
    // Every code was made above.
    const refusal = made.get(code) as Deny;
    return obligations === undefined ? refusal : { ...refusal, obligations };
  };
}
