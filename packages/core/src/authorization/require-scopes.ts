import type { AuthenticatedFacts } from '../engine/facts.ts';
import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { meet } from './held-roles.ts';
import type { ScopeHierarchy } from './scope-hierarchy.ts';

const NO_SCOPES: ReadonlySet<string> = new Set();
/** RFC 6749 §3.3: printable ASCII without space, quote and backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Admits a caller whose credential carries every one of the scopes; for alternatives use `anyOf`. Scopes
 * are compared as they are written (RFC 6749 §3.3: case-sensitive). With a {@link ScopeHierarchy} as its first
 * argument, a scope that includes the wanted one does as well.
 *
 * Denies with `scope.insufficient` (403) and, in the scheme of the caller's credential, the challenge
 * `error="insufficient_scope"` that names the scopes (RFC 6750 §3.1).
 *
 * @throws ConfigurationError without a scope, or when one is not a scope token.
 * @example
 * const orders = guard().use(authenticateJwt({ issuer, audience })).use(requireScopes('orders:read'));
 */
export function requireScopes(
  ...scopes: readonly [ScopeHierarchy | string, ...string[]] | readonly string[]
): SyncPolicy<AuthenticatedFacts, NoFacts, 'grant'> {
  const [first] = scopes;
  const hierarchy = isHierarchy(first) ? first : undefined;
  return policyFor(hierarchy === undefined ? scopes : scopes.slice(1), hierarchy);
}

function isHierarchy(value: unknown): value is ScopeHierarchy {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { scopesIncluding?: unknown }).scopesIncluding === 'function'
  );
}

function policyFor(
  scopes: readonly unknown[],
  hierarchy: ScopeHierarchy | undefined,
): SyncPolicy<AuthenticatedFacts, NoFacts, 'grant'> {
  assertConfiguration(
    scopes.length > 0,
    'requireScopes needs a scope; allowAuthenticated() admits every authenticated caller.',
  );
  for (const scope of scopes) {
    assertConfiguration(
      typeof scope === 'string' && SCOPE_TOKEN.test(scope),
      `requireScopes: ${JSON.stringify(scope)} is not a scope. Pass each as its own argument.`,
    );
  }
  // Each was found to be a string.
  const names = [...new Set(scopes as readonly string[])];
  const wanted = names.map((scope) => ({
    scope,
    including: hierarchy?.scopesIncluding(scope) ?? new Set([scope]),
  }));
  const params = { error: 'insufficient_scope', scope: names.join(' ') };
  return definePolicy({
    name: `requireScopes(${names.join(' ')})`,
    role: 'grant',
    needs: ['principal', 'authentication'],
    adds: [],
    check: (_request, { principal, authentication }: AuthenticatedFacts) => {
      // A policy of the user's may have supplied it: whatever is not a set counts as no scope.
      const held = principal.scopes instanceof Set ? principal.scopes : NO_SCOPES;
      const lacks = ({ including }: { including: ReadonlySet<string> }) => !meet(held, including);
      if (!wanted.some(lacks)) return pass();
      const missing = wanted.filter(lacks).map(({ scope }) => scope);
      return denial(authentication.scheme, params, { missing, given: [...held] });
    },
  });
}

/** Credentials without a scheme of their own (a client certificate) get no challenge. */
function denial(scheme: string, params: Readonly<Record<string, string>>, cause: object): Deny {
  return sharedDenial({
    kind: 'forbidden',
    code: 'scope.insufficient',
    detail: 'The credential lacks a scope that this operation needs.',
    cause,
    challenges: scheme === '' ? [] : [{ scheme, params }],
  });
}
