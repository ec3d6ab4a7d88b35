import type {
  ApiKeyRecord,
  ApiKeyStore,
  NamedQuota,
  QuotaVerdict,
} from '../contracts/api-key-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { freezeDeep } from '../lib/freeze-deep.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link memoryApiKeyStore}. */
export interface MemoryApiKeyStoreOptions {
  /** How many keys it holds; one more is not added. Default: 100,000. */
  readonly maxKeys?: number | undefined;
}

interface Counter {
  readonly startedAt: number;
  readonly used: number;
  /** The window before, in case this one came from a clock that ran ahead. */
  readonly before?: Omit<Counter, 'before'> | undefined;
}

interface Row {
  readonly record: ApiKeyRecord;
  readonly counters: Map<string, Counter>;
}

/**
 * Keeps API keys in this process's memory, for tests, demonstrations and single nodes whose keys may be lost.
 * Never forgets a key by itself: when it is full, `insert` answers false.
 *
 * @throws ConfigurationError when `maxKeys` is not a whole number.
 * @example
 * const keys = apiKeys({ prefix: 'acme', environment: 'live', store: memoryApiKeyStore(), peppers });
 */
export function memoryApiKeyStore(options: MemoryApiKeyStoreOptions = {}): ApiKeyStore {
  assertKnownOptions('memoryApiKeyStore', options, ['maxKeys']);
  const { maxKeys = 100_000 } = options;
  assertConfiguration(
    Number.isSafeInteger(maxKeys) && maxKeys > 0,
    'memoryApiKeyStore: maxKeys must be a whole number above 0.',
  );
  const rows = new Map<string, Row>();
  const put = (record: ApiKeyRecord, counters: Row['counters']): boolean => {
    rows.set(record.id, { record: freezeDeep(structuredClone(record)), counters });
    return true;
  };
  return Object.freeze({
    insert: (record) => {
      if (rows.has(record.id) || rows.size >= maxKeys) return false;
      return put(record, new Map());
    },
    get: (id) => rows.get(id)?.record,
    replace: (record) => {
      const row = rows.get(record.id);
      if (row === undefined || row.record.version !== record.version) return false;
      const { lastUsedAt, previous } = row.record;
      const kept = record.previous && {
        ...record.previous,
        lastUsedAt: previous?.hash === record.previous.hash ? previous.lastUsedAt : undefined,
      };
      return put(
        { ...record, lastUsedAt, previous: kept, version: record.version + 1 },
        row.counters,
      );
    },
    list: ({ namespace, tenant, owner, after = '', limit }) =>
      [...rows.values()]
        .map((row) => row.record)
        .filter(
          (record) =>
            record.namespace === namespace &&
            record.tenant === tenant &&
            (owner === undefined ||
              (record.owner.type === owner.type && record.owner.id === owner.id)) &&
            record.id > after,
        )
        .toSorted((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit),
    touch: ({ id, secret, at, interval }) => {
      const row = rows.get(id);
      if (row === undefined) return;
      const { record, counters } = row;
      const due = (last: number | undefined): boolean =>
        last === undefined || at - last >= Math.max(interval, 1);
      if (secret === 'current') {
        if (due(record.lastUsedAt)) put({ ...record, lastUsedAt: at }, counters);
      } else if (record.previous && due(record.previous.lastUsedAt)) {
        put({ ...record, previous: { ...record.previous, lastUsedAt: at } }, counters);
      }
    },
    consume: (id, charges, now) => {
      const counters = rows.get(id)?.counters;
      if (counters === undefined) return { ok: false, name: charges[0]?.name ?? '' };
      const taken = charges.map((charge) => {
        const { name, cost, limit, window } = charge;
        const counter = counterAt(counters.get(name), charge, now);
        const used = counter.used + cost;
        return { ...counter, used, name, limit, cost, endsAt: counter.startedAt + window };
      });
      const short = taken.find(({ used, limit }) => used > limit);
      if (short !== undefined) {
        const { name, cost, limit, endsAt } = short;
        return { ok: false, name, resetsAt: cost > limit ? undefined : endsAt };
      }
      const remaining: Record<string, number> = {};
      for (const { name, startedAt, used, before, limit } of taken) {
        counters.set(name, { startedAt, used, before });
        remaining[name] = limit - used;
      }
      return { ok: true, remaining } satisfies QuotaVerdict;
    },
    readUsage: (id, quotas, now) =>
      quotas.map((quota) => {
        const { startedAt, used } = counterAt(rows.get(id)?.counters.get(quota.name), quota, now);
        return { used, resetsAt: startedAt + quota.window };
      }),
    resetUsage: (id, names) => {
      const counters = rows.get(id)?.counters;
      if (counters === undefined) return false;
      for (const name of names ?? [...counters.keys()]) counters.delete(name);
      return true;
    },
  } satisfies ApiKeyStore);
}

/** The counter of the window that `now` falls in, or of the next one where that has begun. */
function counterAt(known: Counter | undefined, { window }: NamedQuota, now: number): Counter {
  const startedAt = Math.floor(now / window) * window;
  if (known === undefined) return { startedAt, used: 0 };
  const { before } = known;
  if (known.startedAt > startedAt + window) {
    // The clock had run ahead: that window is not waited for, and the use of both counts.
    const earlier = before?.startedAt === startedAt ? before.used : 0;
    return { startedAt, used: known.used + earlier };
  }
  if (known.startedAt >= startedAt) return known;
  return { startedAt, used: 0, before: { startedAt: known.startedAt, used: known.used } };
}
