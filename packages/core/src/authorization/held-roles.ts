import type { Principal } from '../engine/facts.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Where the roles of a caller come from. */
export interface HeldRolesOptions<Needs extends object> {
  /**
   * The roles that the caller holds. Default: those of the credential, `principal.roles`.
   *
   * @example
   * { roles: ({ assignedRoles }) => assignedRoles.roles }
   */
  readonly roles: (facts: Readonly<Needs>) => ReadonlySet<string>;
}

/** What the default reads. */
export interface PrincipalFacts {
  readonly principal: Principal;
}

/** How a policy reads them. Whatever is not a set counts as no role. */
export function heldRoles<Needs extends object>(
  where: string,
  options: HeldRolesOptions<Needs> | undefined,
): (facts: Readonly<Needs & PrincipalFacts>) => ReadonlySet<string> {
  if (options === undefined) return ({ principal }) => principal.roles;
  assertKnownOptions(where, options, ['roles']);
  const { roles } = options;
  assertConfiguration(
    typeof roles === 'function',
    `${where}: roles must be a function of the facts: { roles: (facts) => facts.assignedRoles.roles }.`,
  );
  return roles;
}

/** Whether the two sets have a member in common: as many look-ups as the smaller one has members. */
export function meet(held: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  const [few, many] = held.size <= wanted.size ? [held, wanted] : [wanted, held];
  for (const role of few) if (many.has(role)) return true;
  return false;
}
