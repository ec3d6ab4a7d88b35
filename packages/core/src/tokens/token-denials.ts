import { asymmetricAlgorithms } from '../crypto/jws-algorithms.ts';
import { type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { Challenge, Denial, DenialKind } from '../engine/denial.ts';
import { type Deny, sharedDenial, withCause } from '../engine/outcome.ts';
import type { TokenScheme } from './bearer-credentials.ts';

/** RFC 6750 §3.1 `invalid_request`, 400. */
const badRequests = {
  'credentials.malformed': 'The Authorization header is not well formed.',
  'credentials.repeated': 'The Authorization header must be sent once.',
} as const;

/** RFC 6750 §3.1 `invalid_token`, 401. */
const badTokens = {
  'token.too_large': 'The access token is too large.',
  'token.malformed': 'The access token is not well formed.',
  'token.type_refused': 'The access token is of the wrong type.',
  'token.algorithm_refused': 'The algorithm of the access token is not allowed.',
  'token.issuer_unknown': 'The issuer of the access token is not trusted.',
  'token.claim_mismatch': 'A claim of the access token does not have the required value.',
  'token.audience_mismatch': 'The access token was issued for another audience.',
  'token.claim_missing': 'The access token lacks a required claim.',
  'token.claim_invalid': 'The access token has a claim that is not well formed.',
  'token.expired': 'The access token has expired.',
  'token.lifetime_too_long': 'The access token is valid for longer than is accepted here.',
  'token.inactive': 'The access token is not active.',
  'token.not_yet_valid': 'The access token is not valid yet.',
  'token.decryption_failed': 'The access token cannot be decrypted.',
  'token.key_unknown': 'No key of the issuer fits the access token.',
  'token.signature_invalid': 'The signature of the access token is not valid.',
  'token.unconfirmed': 'The access token is bound to a key that the caller did not prove.',
} as const;

/** Codes of denials of credentials that were presented. */
export type TokenDenialCode = keyof typeof badRequests | keyof typeof badTokens;

/** The denials of one policy, made at construction. */
export interface TokenDenials {
  /** No access token: a challenge without an error (RFC 6750 §3.1). Not conclusive. */
  readonly missing: Deny;
  /** A token that is not good or cannot be read; `scheme` is the one it came in. Conclusive. */
  readonly bad: (code: TokenDenialCode, scheme?: TokenScheme) => Deny;
  /** The same with its cause: what was expected and what came, for operators only. */
  readonly because: (
    problem: { readonly code: TokenDenialCode; readonly cause: unknown },
    scheme: TokenScheme,
  ) => Deny;
}

/**
 * Words the denials of a policy that takes access tokens: one challenge for each scheme, with the error in that
 * of the scheme that was used.
 *
 * @throws ConfigurationError when realm or metadata URL cannot stand in a challenge.
 */
export function tokenDenials(
  policy: string,
  schemes: readonly TokenScheme[],
  options: ChallengeOptions,
): TokenDenials {
  const params = challengeParams(policy, options);
  const made = new Map<string, Deny>();
  const challenges = (told?: object, used?: TokenScheme): Challenge[] =>
    schemes.map((scheme) => ({
      scheme,
      params: {
        ...params,
        ...((used ?? scheme) === scheme && told),
        ...(scheme === 'DPoP' && DPOP_ALGORITHMS),
      },
    }));
  const wellFormed = {
    expected: schemes.map((scheme) => `one Authorization with scheme ${scheme}`),
  };
  const make = (
    codes: Readonly<Record<string, string>>,
    kind: DenialKind,
    error: string,
    cause?: object,
  ): void => {
    for (const [code, detail] of Object.entries(codes)) {
      for (const used of [undefined, ...schemes]) {
        const told = challenges({ error, error_description: detail }, used);
        const denial: Denial = { kind, code, detail, cause, challenges: told };
        made.set(`${code} ${used}`, sharedDenial(denial, { conclusive: true }));
      }
    }
  };
  make(badRequests, 'malformed', 'invalid_request', wellFormed);
  make(badTokens, 'unauthenticated', 'invalid_token');
  return {
    missing: sharedDenial({
      kind: 'unauthenticated',
      code: 'credentials.missing',
      detail: 'This operation needs an access token.',
      cause: wellFormed,
      challenges: challenges(),
    }),
    // Every code was made above, for every scheme of the policy.
    bad: (code, scheme) => made.get(`${code} ${scheme}`) as Deny,
    because: ({ code, cause }, scheme) => withCause(made.get(`${code} ${scheme}`) as Deny, cause),
  };
}

/** RFC 9449 §7.1: what a client may sign proofs with. */
const DPOP_ALGORITHMS = { algs: asymmetricAlgorithms.join(' ') };
