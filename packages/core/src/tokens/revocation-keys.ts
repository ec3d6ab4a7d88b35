import type { AuthenticatedFacts, Authentication, Principal } from '../engine/facts.ts';
import { member } from '../lib/strict-json.ts';
import { dateClaim } from './jwt-claims.ts';

/** What a credential is known by in a revocation store. */
export interface RevocationKeys {
  readonly keys: readonly string[];
  /** Epoch milliseconds; `-Infinity` where the credential does not say. */
  readonly issuedAt: number;
}

/** One key for each kind and names, and never the same for two: JSON keeps them apart. */
export function revocationKey(kind: string, ...names: readonly string[]): string {
  return JSON.stringify([kind, ...names]);
}

export const EVERYTHING: string = revocationKey('all');

interface Made extends RevocationKeys {
  /** Whose they are: a policy of the user's own may share one authentication between callers. */
  readonly principal: Principal;
}

const made = new WeakMap<Authentication, Made>();

/** All that a caller's credential can be revoked by. Credentials that are known again bring theirs. */
export function revocationKeys({ principal, authentication }: AuthenticatedFacts): RevocationKeys {
  const known = made.get(authentication);
  if (known?.principal === principal) return known;
  const { issuer, subject, clientId, tenant } = principal;
  const { claims } = authentication;
  const jti = member(claims, 'jti');
  const sid = member(claims, 'sid');
  const keys = [
    EVERYTHING,
    revocationKey('issuer', issuer),
    revocationKey('subject', issuer, subject),
  ];
  if (typeof jti === 'string') keys.push(revocationKey('token', issuer, jti));
  if (typeof sid === 'string') keys.push(revocationKey('session', issuer, sid));
  if (clientId !== undefined) keys.push(revocationKey('client', issuer, clientId));
  if (tenant !== undefined) keys.push(revocationKey('tenant', tenant));
  const iat = dateClaim(claims, 'iat');
  const issuedAt = typeof iat === 'number' ? iat : Number.NEGATIVE_INFINITY;
  const answer = Object.freeze({ keys: Object.freeze(keys), issuedAt, principal });
  made.set(authentication, answer);
  return answer;
}
