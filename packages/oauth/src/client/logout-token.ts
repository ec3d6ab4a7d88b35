import type { KeySource } from '@apisec/core';
import { isObject, member, verifyJws } from '@apisec/core/host';
import { denied, type OAuthDenied, unavailable } from './failures.ts';

/** Whose sessions end: those of a user, or those that came from one session at the issuer. */
export interface LogoutToken {
  readonly ok: true;
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
  /** Epoch milliseconds by the issuer's clock. */
  readonly issuedAt: number;
  /** To be used once. */
  readonly jti: string;
  /** Epoch milliseconds after which the token is no longer accepted. */
  readonly expiresAt: number;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** How old a token without `exp` may be. */
const MOST_AGE_MS = 120_000;

/** What a logout token is verified against. */
export interface LogoutChecks {
  readonly issuer: string;
  readonly clientId: string;
  readonly toleranceMs: number;
  readonly now: number;
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6). `typ` must be `logout+jwt`, or absent or `JWT`
 * from issuers of before the final text; `events` and the absence of `nonce` keep ID tokens out in any case.
 */
export async function checkLogoutToken(
  token: unknown,
  keys: KeySource | undefined,
  { issuer, clientId, toleranceMs, now }: LogoutChecks,
): Promise<LogoutToken | OAuthDenied> {
  if (typeof token !== 'string') return invalid('it is not text');
  if (keys === undefined) return invalid('the issuer publishes no keys');
  const verified = await verifyJws(token, keys);
  if (!verified.ok) {
    return verified.reason === 'unavailable'
      ? unavailable(verified.cause, verified.retryAfterMs)
      : invalid('the signature was not made by the issuer');
  }
  const { claims } = verified;
  const typ = verified.typ?.toLowerCase();
  if (typ !== undefined && !['logout+jwt', 'application/logout+jwt', 'jwt'].includes(typ)) {
    return invalid('typ names another kind of token');
  }
  if (member(claims, 'iss') !== issuer) return invalid('it is from another issuer');
  const audience = member(claims, 'aud');
  const named: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  if (!named.includes(clientId)) return invalid('it is for another client');
  const events = member(claims, 'events');
  if (!isObject(events) || !isObject(member(events, EVENT)))
    return invalid('it has no logout event');
  if (Object.hasOwn(claims, 'nonce')) return invalid('it has a nonce, as ID tokens do');
  const [iat, exp, nbf] = ['iat', 'exp', 'nbf'].map((name) => member(claims, name));
  if (typeof iat !== 'number' || !(iat * 1_000 <= now + toleranceMs)) return invalid('iat');
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf * 1_000 <= now + toleranceMs)) {
    return invalid('nbf');
  }
  if (exp !== undefined && typeof exp !== 'number') return invalid('exp');
  const oldest = iat * 1_000 + MOST_AGE_MS;
  const expiresAt = Math.min(exp === undefined ? oldest : exp * 1_000, oldest) + toleranceMs;
  if (!(now < expiresAt)) return invalid('it is too old');
  const [subject, sid, jti] = ['sub', 'sid', 'jti'].map((name) => member(claims, name));
  if (!isTextOrAbsent(subject) || !isTextOrAbsent(sid)) return invalid('sub or sid is not text');
  if (subject === undefined && sid === undefined) return invalid('it names nobody');
  if (typeof jti !== 'string' || jti === '') return invalid('it has no jti');
  return { ok: true, issuer, subject, sid, issuedAt: iat * 1_000, jti, expiresAt };
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function invalid(why: string): OAuthDenied {
  return denied('malformed', 'logout.token_invalid', {
    detail: 'The logout token is not valid.',
    cause: new Error(`The logout token is not valid: ${why}.`),
  });
}
