import type { Denial } from '../engine/denial.ts';
import type { AuthenticatedFacts, Authentication, Principal } from '../engine/facts.ts';
import type { Demand } from '../engine/outcome.ts';
import { principalId } from '../engine/principal-id.ts';
import { freezeDeep, frozenSet } from '../lib/freeze-deep.ts';
import { isObject, member } from '../lib/strict-json.ts';
import type { TokenScheme } from './bearer-credentials.ts';
import { firstText, INVALID, rolesAt, scopesAt, textClaim } from './jwt-claims.ts';
import type { IssuerRules } from './jwt-issuers.ts';
import type { TokenDenialCode } from './token-denials.ts';

/** How the claims came here. */
export interface ClaimsOrigin {
  readonly method: 'jwt' | 'introspection';
  readonly scheme: TokenScheme;
  readonly rules: Pick<IssuerRules, 'issuer' | 'tenant' | 'tenantClaim' | 'claims'>;
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
}

/** What the token says of its caller, frozen, so that it can be shared between calls; or what is wrong. */
export function factsOfClaims(
  claims: Readonly<Record<string, unknown>>,
  { method, scheme, rules, expiresAt }: ClaimsOrigin,
): AuthenticatedFacts | TokenDenialCode {
  const confirmation = member(claims, 'cnf');
  if (confirmation !== undefined && !isConfirmation(confirmation)) return 'token.claim_invalid';
  // RFC 9449 §7: a token bound to a DPoP key is sent as DPoP, and no other token is.
  const bound = confirmation !== undefined && Object.hasOwn(confirmation, 'jkt');
  if (bound !== (scheme === 'DPoP')) return 'token.unconfirmed';

  const scopes = rules.claims.scopes.map((path) => scopesAt(claims, path));
  const roles = rules.claims.roles.map((path) => rolesAt(claims, path));
  const tenant =
    rules.tenantClaim === undefined ? rules.tenant : textClaim(claims, rules.tenantClaim);
  const clientId = firstText(claims, rules.claims.clientIds);
  const named = textClaim(claims, 'sub');
  // RFC 7662 §2.2: without a resource owner there may be no subject; then the client acts for itself.
  const subject = named ?? clientId;
  if (!isList(scopes) || !isList(roles)) return 'token.claim_invalid';
  if (tenant === INVALID || clientId === INVALID) return 'token.claim_invalid';
  if (typeof subject !== 'string') return 'token.claim_invalid';

  const { issuer } = rules;
  const principal: Principal = Object.freeze({
    id: principalId(issuer, subject, clientId),
    subject,
    issuer,
    clientId,
    ...(subject === clientId && { isClient: true }),
    tenant,
    scopes: frozenSet(scopes.flat()),
    roles: frozenSet(roles.flat()),
  });
  const authentication: Authentication = Object.freeze({
    method,
    scheme,
    claims: freezeDeep(claims),
    expiresAt,
    confirmation,
  });
  return Object.freeze({ principal, authentication });
}

/** Every member of `cnf` must be proved by a policy that knows it; one that nobody knows denies. */
export function confirmationDemands(
  { authentication }: AuthenticatedFacts,
  denial: Denial,
): readonly Demand[] | undefined {
  const { confirmation } = authentication;
  return confirmation && Object.keys(confirmation).map((name) => ({ id: `cnf.${name}`, denial }));
}

function isConfirmation(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && Object.keys(value).length > 0;
}

function isList(
  lists: readonly (readonly string[] | typeof INVALID)[],
): lists is readonly (readonly string[])[] {
  return !lists.includes(INVALID);
}
