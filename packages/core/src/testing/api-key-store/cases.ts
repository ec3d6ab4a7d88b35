import { randomId } from '../../api-keys/api-key-format.ts';
import type { ApiKeyRecord, ApiKeyStore, ApiKeyUse } from '../../contracts/api-key-store.ts';
import { assertSame, type ContractCase } from '../contract-case.ts';

/** One promise of an `ApiKeyStore`. */
export type ApiKeyStoreCase = ContractCase<ApiKeyStore>;

export const AT_ONCE = 24;
export const DAY = 86_400_000;
export const NOON: number = 20_000 * DAY + DAY / 2;

/** Fails a case unless both are the same as JSON, whatever the order of members. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  assertSame(canonical(actual), canonical(expected), what);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A new row with nothing in it that may be missing. */
export function bare(): ApiKeyRecord {
  return {
    id: randomId(),
    namespace: 'acme_live',
    name: 'Billing',
    version: 0,
    generation: 0,
    owner: { type: 'user', id: 'u1' },
    secret: { hash: 'a'.repeat(64), pepper: 'v1' },
    status: 'enabled',
    createdAt: NOON - DAY,
    updatedAt: NOON - DAY,
  };
}

/** A row with all there can be. */
export function full(): ApiKeyRecord {
  return {
    ...bare(),
    tenant: 't1',
    owner: { type: 'organisation', id: 'o1' },
    previous: { hash: 'b'.repeat(64), pepper: 'v0', until: NOON + DAY },
    scopes: ['orders:read', 'orders:write'],
    roles: ['admin'],
    limits: {
      requests: { algorithm: 'bucket', capacity: 100, refill: 1.5, period: 1000 },
      reports: { algorithm: 'fixed_window', capacity: 10, window: DAY },
    },
    quotas: { reports: { limit: Number.MAX_SAFE_INTEGER, window: DAY } },
    allowedPeers: ['192.0.2.0/24', '2001:db8::/32'],
    publishable: { origins: ['https://shop.example.com'], apps: ['com.example.shop'] },
    secretMadeAt: NOON - 5,
    metadata: { plan: 'pro', nested: { list: [1, null, true, 1.5], empty: {}, none: [] }, '': 0 },
    expiresAt: NOON + 2 * DAY,
    reason: 'none',
    lastUsedAt: NOON - 1,
    generation: 3,
  };
}

/** A use of a key, of which one in a second is noted. */
export function use(id: string, at: number, secret: ApiKeyUse['secret'] = 'current'): ApiKeyUse {
  return { id, secret, at, interval: 1000 };
}

/** So many calls at the same moment, numbered from 0. */
export function atOnce<T>(start: (n: number) => T | Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, async (_, n) => start(n)));
}

/** Stores may answer an empty list where there was none, where it means the same. */
export function pruned(record: ApiKeyRecord | undefined): unknown {
  if (record === undefined) return undefined;
  const { scopes = [], roles = [], limits = {}, quotas = {}, metadata = {} } = record;
  return { ...record, scopes, roles, limits, quotas, metadata };
}
