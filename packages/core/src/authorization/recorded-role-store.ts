import {
  assertRecord,
  type BuiltinAct,
  type RecordOption,
  recordAct,
} from '../contracts/record-act.ts';
import type { RoleAssignment, RoleStore } from '../contracts/role-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';

/** Options of {@link recordedRoleStore}. */
export interface RecordedRoleStoreOptions {
  /** Where roles are kept. */
  readonly store: RoleStore;
  /** Told of each role that was assigned or removed, see `RecordOption`. */
  readonly record: NonNullable<RecordOption['record']>;
}

const NAME = 'recordedRoleStore';

/**
 * Records each change of who has which role: `role.assigned` and `role.removed`, with the principal as the target, and
 * role and tenant as data. A role that somebody has already, or never had, changes nothing. In a handler, make one with
 * `facts.audit.record`, which knows who called.
 *
 * @throws ConfigurationError without a store or `record`. `assign` and `unassign` reject when the store cannot answer,
 * and when `record` did not take the change, which stands.
 * @example
 * const roles = recordedRoleStore({ store, record: log.record });
 * await roles.assign({ principal: principal.id, tenant: 'acme', role: 'editor' });
 */
export function recordedRoleStore(options: RecordedRoleStoreOptions): RoleStore {
  assertKnownOptions(NAME, options, ['store', 'record']);
  const { store, record } = options;
  const methods = ['rolesOf', 'assign', 'unassign'] as const;
  assertMethods(NAME, 'store', store ?? {}, methods, 'memoryRoleStore()');
  assertConfiguration(record !== undefined, `${NAME}: give it record: audit({ … }).record.`);
  assertRecord(NAME, record);
  const has = async ({ role, ...scope }: RoleAssignment): Promise<boolean> =>
    (await store.rolesOf(scope)).includes(role);
  const recorded = (act: BuiltinAct, { principal, tenant, role }: RoleAssignment) =>
    recordAct(record, {
      act,
      target: { type: 'principal', id: principal },
      data: { role, tenant },
    });

  return Object.freeze<RoleStore>({
    rolesOf: (scope) => store.rolesOf(scope),
    assign: async (assignment) => {
      const before = await has(assignment);
      await store.assign(assignment);
      if (!before) await recorded('role.assigned', assignment);
    },
    unassign: async (assignment) => {
      const before = await has(assignment);
      await store.unassign(assignment);
      if (before) await recorded('role.removed', assignment);
    },
  });
}
