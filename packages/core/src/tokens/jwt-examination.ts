import { type CompactJws, parseCompactJws } from '../crypto/compact-jws.ts';
import type { JwsAlgorithm } from '../crypto/key-source.ts';
import { member, parseStrictObject } from '../lib/strict-json.ts';
import { audiencesOf, dateClaim, INVALID, textClaim } from './jwt-claims.ts';
import type { IssuerRules } from './jwt-issuers.ts';
import { fitsProfile, type ProfileRules } from './jwt-profile.ts';
import type { TokenDenialCode } from './token-denials.ts';

/** A token that is all right but for its signature, which was not looked at yet. */
export interface ExaminedJwt {
  readonly jws: CompactJws;
  readonly alg: JwsAlgorithm;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly rules: IssuerRules;
  /** Epoch milliseconds, as the token says it. */
  readonly expiresAt: number;
  /** The same with the tolerance: from here on the token is denied. */
  readonly goodUntil: number;
}

/** What a token is measured by. */
export interface Measures {
  readonly issuers: ReadonlyMap<string, IssuerRules>;
  readonly profile: ProfileRules;
  /** Milliseconds. */
  readonly tolerance: number;
}

/**
 * Everything that can be told of a token without its signature, or the first thing that is wrong. A token
 * that fails here costs neither a key look-up nor a verification.
 */
export function examineJwt(
  token: string,
  { issuers, profile, tolerance }: Measures,
  at: number,
): ExaminedJwt | TokenDenialCode {
  const jws = parseCompactJws(token);
  if (jws === undefined) return 'token.malformed';
  const claims = parseStrictObject(jws.payload);
  if (claims === undefined) return 'token.malformed';
  if (!fitsProfile(profile, jws.typ, claims)) return 'token.type_refused';
  const issuer = member(claims, 'iss');
  const rules = typeof issuer === 'string' ? issuers.get(issuer) : undefined;
  if (rules === undefined) return 'token.issuer_unknown';
  const { alg } = jws;
  if (!rules.allows(alg)) return 'token.algorithm_refused';
  const problem = contentProblem(claims, profile.required, rules.audiences);
  if (problem !== undefined) return problem;

  const lifetime = lifetimeOf(claims, tolerance, at);
  if (typeof lifetime === 'string') return lifetime;
  const { expiresAt } = lifetime;
  if (expiresAt === undefined) return 'token.claim_missing';
  return { jws, alg, claims, rules, expiresAt, goodUntil: expiresAt + tolerance };
}

/** When the token ends by its claims, or why it is not good at the moment. All in milliseconds. */
export function lifetimeOf(
  claims: object,
  tolerance: number,
  at: number,
): { readonly expiresAt: number | undefined } | TokenDenialCode {
  const exp = dateClaim(claims, 'exp');
  const nbf = dateClaim(claims, 'nbf');
  const iat = dateClaim(claims, 'iat');
  if (exp === INVALID || nbf === INVALID || iat === INVALID) return 'token.claim_invalid';
  // Not "at >= exp": a clock that tells no number must not keep tokens for ever.
  if (exp !== undefined && !(at < exp + tolerance)) return 'token.expired';
  const begins = Math.max(nbf ?? -Infinity, iat ?? -Infinity);
  if (at < begins - tolerance) return 'token.not_yet_valid';
  return { expiresAt: exp };
}

/** What is missing, no text, or for somebody else; without `audiences` for whom is not asked. */
export function contentProblem(
  claims: object,
  required: readonly string[],
  audiences: ReadonlySet<string> | undefined,
): TokenDenialCode | undefined {
  if (required.some((name) => member(claims, name) === undefined)) return 'token.claim_missing';
  if (TEXTS.some((name) => textClaim(claims, name) === INVALID)) return 'token.claim_invalid';
  if (audiences === undefined) return undefined;
  const named = audiencesOf(claims);
  if (named === INVALID) return 'token.claim_invalid';
  return named.some((each) => audiences.has(each)) ? undefined : 'token.audience_mismatch';
}

const TEXTS = ['sub', 'client_id', 'jti'];
