import type { RoleAssignment, RoleScope, SyncRoleStore } from '../contracts/role-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link memoryRoleStore}. */
export interface MemoryRoleStoreOptions {
  /** Assignments that can be kept at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
}

/**
 * Keeps in this process who has which role. Right for tests and for a single process; when it is full, `assign`
 * throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryRoleStore();
 * store.assign({ principal: principal.id, tenant: 'acme', role: 'editor' });
 */
export function memoryRoleStore(options: MemoryRoleStoreOptions = {}): SyncRoleStore {
  assertKnownOptions('memoryRoleStore', options, ['capacity']);
  const { capacity = 100_000 } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryRoleStore: capacity must be a whole number of assignments, at least 1.',
  );
  const entries = new Map<string, Set<string>>();
  let size = 0;
  return Object.freeze<SyncRoleStore>({
    rolesOf: (scope) => [...(entries.get(keyOf(scope)) ?? [])],
    assign: ({ role, ...scope }: RoleAssignment) => {
      const key = keyOf(scope);
      const roles = entries.get(key) ?? new Set();
      if (roles.has(role)) return;
      if (size >= capacity) throw new Error('memoryRoleStore: full.');
      entries.set(key, roles.add(role));
      size += 1;
    },
    unassign: ({ role, ...scope }: RoleAssignment) => {
      const key = keyOf(scope);
      const roles = entries.get(key);
      if (roles?.delete(role) !== true) return;
      size -= 1;
      if (roles.size === 0) entries.delete(key);
    },
  });
}

/** JSON, so that no two scopes share a key; no tenant is not the tenant of an empty name. */
function keyOf({ principal, tenant }: RoleScope): string {
  return JSON.stringify([principal, tenant ?? null]);
}
