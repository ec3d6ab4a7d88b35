import type { AuthenticatedFacts } from '../engine/facts.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { member } from '../lib/strict-json.ts';
import type { TokenScheme } from './bearer-credentials.ts';
import { type ClaimOptions, claimRules } from './claim-rules.ts';
import { type ClaimPath, isClaimPath } from './jwt-claims.ts';
import { contentProblem, hasSign, lifetimeOf, type TokenProblem } from './jwt-examination.ts';
import { factsOfClaims } from './jwt-facts.ts';
import { mayBeAccessToken } from './jwt-profile.ts';
import type { TokenDenialCode } from './token-denials.ts';

/** What an answer may say in its own way. Not `recipient`: there it names who signed answers are for. */
const CLAIMS = ['accessTokenSigns', 'requiredClaims', 'clientIds', 'scopes', 'roles'] as const;

/** What is asked of an answer; every member is known, defaults are the factory's. */
export interface AnswerRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly insecureMissingAudience: boolean;
  readonly insecureMissingTokenType: boolean;
  /** Milliseconds. */
  readonly tolerance: number;
  readonly tenant: string | { readonly claim: ClaimPath } | undefined;
  readonly claims: Pick<ClaimOptions, (typeof CLAIMS)[number]>;
}

/**
 * Reads of an answer about an active token who calls, or finds what is wrong with it: by the same claims as
 * `authenticateJwt`.
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
) => AuthenticatedFacts | TokenProblem {
  const { issuer, audiences, tolerance, tenant } = asked;
  const { insecureMissingAudience, insecureMissingTokenType } = asked;
  assertConfiguration(
    tenant === undefined || (typeof tenant === 'object' ? isClaimPath(tenant.claim) : tenant),
    `${policy}: tenant must be its name, or the claim that names it: tenant: { claim: 'tid' }.`,
  );
  const said = Object.fromEntries(CLAIMS.map((name) => [name, asked.claims[name]]));
  const checked = claimRules(policy, { ...said, profile: 'jwt' });
  const rules = {
    issuer,
    audiences,
    tenant: typeof tenant === 'string' ? tenant : undefined,
    tenantClaim: typeof tenant === 'object' ? tenant.claim : undefined,
    // An answer need not repeat what the token says (RFC 7662 §2.2).
    claims: { ...checked, profile: { ...checked.profile, required: [] } },
  };
  return (claims, scheme, at) => {
    // Issuers answer for refresh tokens as well; those must not open an API.
    const isTyped = insecureMissingTokenType || member(claims, 'token_type') !== undefined;
    const isAccess = isTyped && mayBeAccessToken(claims);
    if (!isAccess || !hasSign(claims, checked)) {
      const { token_type, token_use, typ } = claims;
      return because('token.type_refused', {
        expected: isAccess ? { anyOf: checked.accessTokenSigns } : { token_type: 'Bearer' },
        given: { token_type, token_use, typ },
      });
    }
    const named = member(claims, 'iss');
    if (named !== undefined && named !== issuer) {
      return because('token.issuer_unknown', { expected: issuer, given: named });
    }
    const isAnyAudience = insecureMissingAudience && member(claims, 'aud') === undefined;
    const wrong = contentProblem(claims, rules, isAnyAudience);
    if (wrong !== undefined) return wrong;
    const lifetime = lifetimeOf(claims, tolerance, at);
    if ('code' in lifetime) return lifetime;
    const { expiresAt } = lifetime;
    const facts = factsOfClaims(claims, { method: 'introspection', scheme, rules, expiresAt });
    return typeof facts === 'string' ? because(facts, {}) : facts;
  };
}

function because(code: TokenDenialCode, cause: Readonly<Record<string, unknown>>): TokenProblem {
  return { code, cause };
}
