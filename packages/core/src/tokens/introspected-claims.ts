import type { AuthenticatedFacts } from '../engine/facts.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { member } from '../lib/strict-json.ts';
import type { TokenScheme } from './bearer-credentials.ts';
import { type ClaimPath, isClaimPath } from './jwt-claims.ts';
import { contentProblem, lifetimeOf } from './jwt-examination.ts';
import { factsOfClaims } from './jwt-facts.ts';
import { mayBeAccessToken } from './jwt-profile.ts';
import type { TokenDenialCode } from './token-denials.ts';

/** What is asked of an answer; every member is settled, defaults are the factory's. */
export interface AnswerRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly insecureMissingAudience: boolean;
  readonly insecureMissingTokenType: boolean;
  /** Milliseconds. */
  readonly tolerance: number;
  readonly tenant: string | { readonly claim: ClaimPath } | undefined;
  readonly scopes: readonly ClaimPath[];
  readonly roles: readonly ClaimPath[];
}

/**
 * Reads of an answer about an active token who calls, or finds what is wrong with it.
 *
 * @throws ConfigurationError when something that names a claim does not.
 */
export function introspectedClaims(
  policy: string,
  asked: AnswerRules,
): (
  claims: Readonly<Record<string, unknown>>,
  scheme: TokenScheme,
  at: number,
) => AuthenticatedFacts | TokenDenialCode {
  const { issuer, audiences, tolerance, tenant, scopes, roles } = asked;
  const { insecureMissingAudience, insecureMissingTokenType } = asked;
  assertConfiguration(
    tenant === undefined || (typeof tenant === 'object' ? isClaimPath(tenant.claim) : tenant),
    `${policy}: tenant is its name, or the claim that names it: tenant: { claim: 'tid' }.`,
  );
  assertConfiguration(
    [scopes, roles].every((paths) => Array.isArray(paths) && paths.every(isClaimPath)),
    `${policy}: scopes and roles list claims, for example roles: ['roles', ['realm_access', 'roles']].`,
  );
  const rules = {
    issuer,
    tenant: typeof tenant === 'string' ? tenant : undefined,
    tenantClaim: typeof tenant === 'object' ? tenant.claim : undefined,
  };
  const required = insecureMissingAudience ? [] : ['aud'];
  return (claims, scheme, at) => {
    // Issuers answer for refresh tokens as well; those must not open an API.
    const isTyped = insecureMissingTokenType || member(claims, 'token_type') !== undefined;
    if (!isTyped || !mayBeAccessToken(claims)) return 'token.type_refused';
    const named = member(claims, 'iss');
    if (named !== undefined && named !== issuer) return 'token.issuer_unknown';
    const anyAudience = insecureMissingAudience && member(claims, 'aud') === undefined;
    const problem = contentProblem(claims, required, anyAudience ? undefined : audiences);
    if (problem !== undefined) return problem;
    const lifetime = lifetimeOf(claims, tolerance, at);
    if (typeof lifetime === 'string') return lifetime;
    // RFC 7662 §2.2: a token without a resource owner may have no subject; then the client acts for itself.
    const clientId = member(claims, 'client_id');
    const subject = typeof clientId === 'string' ? clientId : undefined;
    if (subject === undefined && member(claims, 'sub') === undefined) return 'token.claim_missing';
    const { expiresAt } = lifetime;
    const origin = { method: 'introspection', scheme, rules, expiresAt, subject } as const;
    return factsOfClaims(claims, origin, { scopes, roles });
  };
}
