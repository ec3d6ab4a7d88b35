import { assertConfiguration } from '../lib/configuration-error.ts';
import { frozenSet } from '../lib/freeze-deep.ts';

/** Which scope stands for which others. Made by {@link scopeHierarchy}. */
export interface ScopeHierarchy {
  /** The scope itself, and those that stand for it. */
  readonly scopesIncluding: (scope: string) => ReadonlySet<string>;
}

/** RFC 6749 §3.3: printable ASCII without space, quote and backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Says which scope includes which others, for {@link requireScopes}: a caller with `orders:admin` may then do what
 * needs `orders:read`. Worked out once, so that a check costs the same with ten scopes and with ten thousand.
 *
 * @throws ConfigurationError when one is not a scope token, or scopes include each other in a circle.
 * @example
 * const scopes = scopeHierarchy({
 *   'orders:admin': ['orders:write'],
 *   'orders:write': ['orders:read'],
 * });
 * const orders = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireScopes(scopes, 'orders:read'));
 */
export function scopeHierarchy(
  includes: Readonly<Record<string, readonly string[]>>,
): ScopeHierarchy {
  const prototype: unknown =
    typeof includes === 'object' && includes !== null ? Object.getPrototypeOf(includes) : undefined;
  assertConfiguration(
    prototype === Object.prototype || prototype === null,
    "scopeHierarchy: write { 'orders:write': ['orders:read'] }.",
  );
  const table = new Map(Object.entries(includes));
  const including = new Map<string, Set<string>>();
  for (const [scope, parts] of table) {
    assertConfiguration(
      Array.isArray(parts),
      `scopeHierarchy: what "${scope}" includes must be a list of scopes.`,
    );
    for (const each of [scope, ...parts]) {
      assertConfiguration(
        typeof each === 'string' && SCOPE_TOKEN.test(each),
        `scopeHierarchy: ${JSON.stringify(each)} is not a valid scope.`,
      );
    }
    reach(scope, scope, [], table, including);
  }
  const frozen = new Map([...including].map(([scope, from]) => [scope, frozenSet(from)]));
  return Object.freeze<ScopeHierarchy>({
    scopesIncluding: (scope) => frozen.get(scope) ?? frozenSet([scope]),
  });
}

/** Adds `from` to whatever can be reached from `scope`. */
function reach(
  from: string,
  scope: string,
  path: readonly string[],
  table: ReadonlyMap<string, readonly string[]>,
  including: Map<string, Set<string>>,
): void {
  assertConfiguration(
    !path.includes(scope),
    `scopeHierarchy: scopes include each other in a circle: ${[...path, scope].join(' -> ')}.`,
  );
  const known = including.get(scope) ?? new Set([scope]);
  including.set(scope, known);
  // Scopes that were reached before have already been followed.
  if (known.has(from) && from !== scope) return;
  known.add(from);
  for (const part of table.get(scope) ?? []) reach(from, part, [...path, scope], table, including);
}
