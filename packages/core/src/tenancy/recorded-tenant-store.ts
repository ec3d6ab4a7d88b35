import {
  assertRecord,
  type BuiltinAct,
  type RecordOption,
  recordAct,
} from '../contracts/record-act.ts';
import type { TenantRecord, TenantStore } from '../contracts/tenant-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';

/** Options of {@link recordedTenantStore}. */
export interface RecordedTenantStoreOptions {
  /** Where tenants are kept. */
  readonly store: TenantStore;
  /** Told of each tenant that was created or changed, see `RecordOption`. */
  readonly record: NonNullable<RecordOption['record']>;
}

const NAME = 'recordedTenantStore';

/**
 * Records each change of a tenant: `tenant.created`, `tenant.suspended`, `tenant.resumed`, `tenant.closed`, and
 * `tenant.changed` where its status stays as it was. In a handler, make one with `facts.audit.record`, which knows who
 * called. What the store answers is answered once the change is recorded.
 *
 * @throws ConfigurationError without a store or `record`. `create` and `update` reject when the store cannot answer,
 * and when `record` did not take the change, which stands.
 * @example
 * const tenants = recordedTenantStore({ store, record: log.record });
 * await tenants.update({ ...acme, status: 'suspended' });
 */
export function recordedTenantStore(options: RecordedTenantStoreOptions): TenantStore {
  assertKnownOptions(NAME, options, ['store', 'record']);
  const { store, record } = options;
  const methods = ['read', 'create', 'update', 'list'] as const;
  assertMethods(NAME, 'store', store ?? {}, methods, 'memoryTenantStore()');
  assertConfiguration(record !== undefined, `${NAME}: give it record: audit({ … }).record.`);
  assertRecord(NAME, record);
  const recorded = (act: BuiltinAct, { id, status }: TenantRecord) =>
    recordAct(record, { act, target: { type: 'tenant', id }, data: { status } });

  return Object.freeze<TenantStore>({
    read: (id) => store.read(id),
    list: (query) => store.list(query),
    create: async (tenant) => {
      if ((await store.create(tenant)) !== true) return false;
      await recorded('tenant.created', tenant);
      return true;
    },
    update: async (tenant) => {
      const before = await store.read(tenant.id);
      if ((await store.update(tenant)) !== true) return false;
      await recorded(
        before?.status === tenant.status ? 'tenant.changed' : acts[tenant.status],
        tenant,
      );
      return true;
    },
  });
}

/** What a change of the status is called, by the new one. */
const acts = {
  active: 'tenant.resumed',
  suspended: 'tenant.suspended',
  closed: 'tenant.closed',
} as const satisfies Readonly<Record<TenantRecord['status'], BuiltinAct>>;
