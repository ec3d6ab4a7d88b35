import type { MaybePromise } from '../lib/maybe-promise.ts';

/** Whose roles, and where. */
export interface RoleScope {
  /** The principal's id, as `principal.id` gives it. */
  readonly principal: string;
  /** The tenant in which the roles hold. Undefined: those that belong to no tenant. */
  readonly tenant: string | undefined;
}

/** One role of one principal, in one tenant or in none. */
export interface RoleAssignment extends RoleScope {
  readonly role: string;
}

/**
 * Who has which role in which tenant.
 *
 * - Principals, tenants and roles are compared as they are written; those that differ in any character differ.
 * - A role in one tenant is not one in another, and one without a tenant is in none.
 * - Once `assign` or `unassign` has resolved, every later `rolesOf` knows. Both may be repeated.
 * - A store that cannot answer throws or rejects, in bounded time; it never guesses.
 *
 * `roleStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface RoleStore {
  readonly rolesOf: (scope: RoleScope) => MaybePromise<readonly string[]>;
  readonly assign: (assignment: RoleAssignment) => MaybePromise<void>;
  readonly unassign: (assignment: RoleAssignment) => MaybePromise<void>;
}

/** A store that answers at once. */
export interface SyncRoleStore extends RoleStore {
  readonly rolesOf: (scope: RoleScope) => readonly string[];
  readonly assign: (assignment: RoleAssignment) => void;
  readonly unassign: (assignment: RoleAssignment) => void;
}
