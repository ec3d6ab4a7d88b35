import type { Principal } from '../engine/facts.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/** Callers who have one of the roles, and all of the scopes. */
export interface Visibility {
  readonly roles?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** What can be asked of a caller, where somebody has found out who calls. */
export interface CallerFacts {
  readonly principal?: Principal | undefined;
}

/**
 * Does not construct with a list that is empty, or with nobody to name.
 *
 * @throws ConfigurationError
 */
export function assertVisibility(where: string, who: Visibility): void {
  assertConfiguration(
    typeof who === 'object' &&
      who !== null &&
      (who.roles ?? who.scopes) !== undefined &&
      Object.entries(who).every(
        ([name, names]: readonly [string, unknown]) =>
          (name === 'roles' || name === 'scopes') &&
          (names === undefined ||
            (Array.isArray(names) &&
              names.length > 0 &&
              names.every((each) => typeof each === 'string' && each !== ''))),
      ),
    `${where}: say who is meant: { roles: ['payroll'] }, { scopes: ['pay:read'] }, or both.`,
  );
}

/** Whether the caller is one of them. Nobody is without a principal. */
export function isVisibleTo(
  principal: Principal | undefined,
  { roles, scopes }: Visibility,
): boolean {
  if (principal === undefined) return false;
  return (
    (roles === undefined || roles.some((role) => principal.roles.has(role))) &&
    (scopes === undefined || scopes.every((scope) => principal.scopes.has(scope)))
  );
}
