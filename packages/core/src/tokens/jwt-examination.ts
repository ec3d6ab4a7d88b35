import { type CompactJws, parseCompactJws } from '../crypto/compact-jws.ts';
import type { JwsAlgorithm } from '../crypto/key-source.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { member, parseStrictObject } from '../lib/strict-json.ts';
import { type ClaimRules, type RequiredClaim, textsOf } from './claim-rules.ts';
import { audiencesOf, claimAt, dateClaim, firstText, INVALID, textClaim } from './jwt-claims.ts';
import type { IssuerLookup, IssuerRules } from './jwt-issuers.ts';
import { fitsProfile } from './jwt-profile.ts';
import type { TokenDenialCode } from './token-denials.ts';

/** What is wrong with a token, and for operators what was expected and what came. */
export interface TokenProblem {
  readonly code: TokenDenialCode;
  readonly cause: Readonly<Record<string, unknown>>;
}

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
  readonly issuers: IssuerLookup;
  /** Milliseconds. */
  readonly tolerance: number;
  /** Milliseconds. */
  readonly maxLifetime: number;
}

/**
 * Everything that can be told of a token without its signature, or the first thing that is wrong. A token
 * that fails here costs neither a key look-up nor a verification. Throws or rejects where a store of issuers does.
 */
export function examineJwt(
  token: string,
  measures: Measures,
  at: number,
): MaybePromise<ExaminedJwt | TokenProblem> {
  const { issuers } = measures;
  const jws = parseCompactJws(token);
  if (jws === undefined) return problem('token.malformed', { reason: 'not a compact JWS' });
  const claims = parseStrictObject(jws.payload);
  if (claims === undefined)
    return problem('token.malformed', { reason: 'the payload is not strict JSON' });
  // Never an access token, whatever the issuer: a proof, a logout token.
  if (!issuers.types.has(jws.typ?.toLowerCase())) {
    return problem('token.type_refused', {
      expected: { typ: [...issuers.types].map((type) => type ?? '(none)') },
      given: { typ: jws.typ, ...kindOf(claims) },
    });
  }
  const issuer = member(claims, 'iss');
  const found = typeof issuer === 'string' ? issuers.find(issuer, claims) : undefined;
  const conclude = (rules: IssuerRules | undefined): ExaminedJwt | TokenProblem =>
    rules === undefined
      ? problem('token.issuer_unknown', { expected: issuers.expected, given: issuer })
      : examineClaims(jws, claims, rules, measures, at);
  return isThenable(found) ? found.then(conclude) : conclude(found);
}

function examineClaims(
  jws: CompactJws,
  claims: Readonly<Record<string, unknown>>,
  rules: IssuerRules,
  { tolerance, maxLifetime }: Measures,
  at: number,
): ExaminedJwt | TokenProblem {
  const { profile } = rules.claims;
  if (!fitsProfile(profile, jws.typ, claims) || !hasSign(claims, rules.claims)) {
    return problem('token.type_refused', {
      expected: {
        typ: profile.types.map((type) => type ?? '(none)'),
        anyOf: rules.claims.accessTokenSigns,
      },
      given: { typ: jws.typ, ...kindOf(claims) },
    });
  }
  const { alg } = jws;
  if (!rules.allows(alg)) {
    return problem('token.algorithm_refused', { expected: rules.algorithms, given: alg });
  }
  const wrong = contentProblem(claims, rules);
  if (wrong !== undefined) return wrong;
  const lifetime = lifetimeOf(claims, tolerance, at);
  if ('code' in lifetime) return lifetime;
  const { expiresAt } = lifetime;
  if (expiresAt === undefined) return problem('token.claim_missing', { missing: ['exp'] });
  const issuedAt = dateClaim(claims, 'iat');
  // Not "longer than": what does not say when it was issued may have been good for ever.
  if (
    maxLifetime !== Infinity &&
    !(expiresAt - (typeof issuedAt === 'number' ? issuedAt : NaN) <= maxLifetime)
  ) {
    return problem('token.lifetime_too_long', {
      expectedAtMostMs: maxLifetime,
      iat: member(claims, 'iat'),
      exp: member(claims, 'exp'),
    });
  }
  return { jws, alg, claims, rules, expiresAt, goodUntil: expiresAt + tolerance };
}

function problem(code: TokenDenialCode, cause: Readonly<Record<string, unknown>>): TokenProblem {
  return { code, cause };
}

/** Epoch milliseconds for people to read. */
function momentOf(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : String(at);
}

/** What a token says of its own kind, for operators. */
function kindOf(claims: object): Readonly<Record<string, unknown>> {
  const names = ['token_use', 'token_type', 'typ', 'nonce', 'at_hash', 'scope', 'scp'];
  const there = names.filter((name) => member(claims, name) !== undefined);
  return { claims: there };
}

/** True where a token carries one of the signs of an access token that are asked for. */
export function hasSign(claims: object, { accessTokenSigns }: ClaimRules): boolean {
  return accessTokenSigns.length === 0 || accessTokenSigns.some((sign) => carries(claims, sign));
}

/** True where the claim is there, and has one of the values where some are named; with `isNot`, where it has none. */
function carries(claims: object, { claim, is, isNot }: RequiredClaim): boolean {
  const value = claimAt(claims, claim);
  const isOneOf = (values: NonNullable<typeof is>): boolean =>
    (textsOf(values) as readonly unknown[]).includes(value);
  if (is !== undefined) return isOneOf(is);
  return isNot === undefined ? (value ?? '') !== '' : !isOneOf(isNot);
}

/** When the token ends by its claims, or why it is not good at the moment. All in milliseconds. */
export function lifetimeOf(
  claims: object,
  tolerance: number,
  at: number,
): { readonly expiresAt: number | undefined } | TokenProblem {
  const exp = dateClaim(claims, 'exp');
  const nbf = dateClaim(claims, 'nbf');
  const iat = dateClaim(claims, 'iat');
  if (exp === INVALID || nbf === INVALID || iat === INVALID) {
    return problem('token.claim_invalid', {
      claims: ['exp', 'nbf', 'iat'],
      expected: 'seconds as a number',
    });
  }
  // Not "at >= exp": a clock that tells no number must not keep tokens for ever.
  if (exp !== undefined && !(at < exp + tolerance)) {
    return problem('token.expired', { expiredAt: momentOf(exp), now: momentOf(at) });
  }
  const begins = Math.max(nbf ?? -Infinity, iat ?? -Infinity);
  if (at < begins - tolerance)
    return problem('token.not_yet_valid', { validFrom: momentOf(begins), now: momentOf(at) });
  return { expiresAt: exp };
}

/** What is missing, no text, or for somebody else. */
export function contentProblem(
  claims: object,
  { audiences, claims: rules }: Pick<IssuerRules, 'audiences' | 'claims'>,
  isAnyAudience = false,
): TokenProblem | undefined {
  const { required } = rules.profile;
  // Who the client is may stand in another claim, which is asked below.
  const missing = required.filter(
    (name) => name !== 'client_id' && member(claims, name) === undefined,
  );
  const client = firstText(claims, rules.clientIds);
  if (required.includes('client_id') && client === undefined)
    missing.push(rules.clientIds.join(' or '));
  // A token that a client got for itself may have no subject (RFC 7662 §2.2): then it is the client.
  if (member(claims, 'sub') === undefined && client === undefined) missing.push('sub');
  if (missing.length > 0) {
    return problem('token.claim_missing', { missing, given: Object.keys(claims).slice(0, 16) });
  }
  const broken = TEXTS.filter((name) => textClaim(claims, name) === INVALID);
  if (broken.length > 0 || client === INVALID) {
    return problem('token.claim_invalid', { claims: broken, expected: 'text' });
  }
  const unmet = rules.requiredClaims.find((sign) => !carries(claims, sign));
  if (unmet !== undefined) {
    return problem('token.claim_mismatch', {
      expected: unmet,
      given: claimAt(claims, unmet.claim),
    });
  }
  return isAnyAudience ? undefined : recipientProblem(claims, audiences, rules);
}

/** Whether the token was made for this API: by `aud`, or by the claim that stands in where that names nobody. */
function recipientProblem(
  claims: object,
  audiences: ReadonlySet<string>,
  { recipient }: ClaimRules,
): TokenProblem | undefined {
  const named = member(claims, 'aud') === undefined ? [] : audiencesOf(claims);
  if (named === INVALID) return problem('token.claim_invalid', { claims: ['aud'] });
  if (named.some((each) => audiences.has(each))) return undefined;
  const others = named.filter((each) => each !== '' && recipient?.besides.has(each) !== true);
  if (others.length > 0 || recipient === undefined) {
    const isMissing = member(claims, 'aud') === undefined;
    const code = isMissing ? 'token.claim_missing' : 'token.audience_mismatch';
    return problem(code, { expected: { aud: [...audiences] }, given: { aud: named } });
  }
  const value = claimAt(claims, recipient.claim);
  if (typeof value === 'string' && recipient.is.has(value)) return undefined;
  const code = value === undefined ? 'token.claim_missing' : 'token.audience_mismatch';
  return problem(code, {
    expected: { claim: recipient.claim, is: [...recipient.is] },
    given: value,
  });
}

const TEXTS = ['sub', 'client_id', 'jti'];
