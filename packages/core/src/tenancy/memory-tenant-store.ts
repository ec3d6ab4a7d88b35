import {
  frozenTenant,
  isTenantRecord,
  type SyncTenantStore,
  type TenantRecord,
} from '../contracts/tenant-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link memoryTenantStore}. */
export interface MemoryTenantStoreOptions {
  /** Tenants that can be kept at once, closed ones included; a full store accepts no more. Default: 100,000. */
  readonly capacity?: number | undefined;
}

/**
 * Keeps tenants in this process. Right for tests, and for a single process whose tenants are configuration; when it is
 * full, `create` throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const tenants = memoryTenantStore();
 * tenants.create({ id: 'acme', status: 'active', attributes: { plan: 'pro' } });
 */
export function memoryTenantStore(options: MemoryTenantStoreOptions = {}): SyncTenantStore {
  const where = 'memoryTenantStore';
  assertKnownOptions(where, options, ['capacity']);
  const { capacity = 100_000 } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    `${where}: capacity must be a whole number of tenants, at least 1.`,
  );
  const tenants = new Map<string, TenantRecord>();
  const copy = (tenant: TenantRecord): TenantRecord => {
    if (!isTenantRecord(tenant)) throw new TypeError(`${where}: not a tenant`);
    return frozenTenant(tenant);
  };
  return Object.freeze<SyncTenantStore>({
    read: (id) => tenants.get(id),
    create: (tenant) => {
      const made = copy(tenant);
      if (tenants.has(made.id)) return false;
      if (tenants.size >= capacity) throw new Error(`${where}: full.`);
      tenants.set(made.id, made);
      return true;
    },
    update: (tenant) => {
      const next = copy(tenant);
      const known = tenants.get(next.id);
      if (known === undefined || known.status === 'closed') return false;
      tenants.set(next.id, next);
      return true;
    },
    list: ({ after = '', limit }) =>
      [...tenants.values()]
        .filter(({ id }) => id > after)
        .toSorted((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, Math.min(Math.max(1, limit), 1_000)),
  });
}
