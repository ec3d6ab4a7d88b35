import type { MaybePromise } from '../lib/maybe-promise.ts';

/** `closed` is final: the id is never given to anybody else, so that nobody inherits what is left of a tenant. */
export type TenantStatus = 'active' | 'suspended' | 'closed';

/** A tenant. */
export interface TenantRecord {
  readonly id: string;
  readonly status: TenantStatus;
  /** What else your API needs to know of it with every call: its plan, region, database. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Which tenants to list: in the order of their ids, behind `after`. */
export interface TenantQuery {
  readonly after?: string | undefined;
  /** From 1 to 1,000. */
  readonly limit: number;
}

/**
 * The tenants of an API.
 *
 * - Ids are compared as they are written; those that differ in any character differ.
 * - `create` answers false where the id is taken, also by a tenant that was closed. Of many at once, one creates.
 * - `update` replaces status and attributes. It answers false where there is no such tenant, and where it was closed.
 * - Once one of them has resolved, every later `read` knows.
 * - A store that cannot answer throws or rejects, in bounded time; it never guesses.
 *
 * `tenantStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface TenantStore {
  readonly read: (id: string) => MaybePromise<TenantRecord | undefined>;
  readonly create: (tenant: TenantRecord) => MaybePromise<boolean>;
  readonly update: (tenant: TenantRecord) => MaybePromise<boolean>;
  readonly list: (query: TenantQuery) => MaybePromise<readonly TenantRecord[]>;
}

/** A store that answers at once. */
export interface SyncTenantStore extends TenantStore {
  readonly read: (id: string) => TenantRecord | undefined;
  readonly create: (tenant: TenantRecord) => boolean;
  readonly update: (tenant: TenantRecord) => boolean;
  readonly list: (query: TenantQuery) => readonly TenantRecord[];
}

const STATUSES: readonly unknown[] = ['active', 'suspended', 'closed'];

/** Whether a store answered a tenant. */
export function isTenantRecord(value: unknown): value is TenantRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, status, attributes } = value as Partial<Record<keyof TenantRecord, unknown>>;
  return (
    typeof id === 'string' &&
    STATUSES.includes(status) &&
    typeof attributes === 'object' &&
    attributes !== null &&
    !Array.isArray(attributes) &&
    Object.values(attributes).every((each) => typeof each === 'string')
  );
}

/** A copy that nobody can change, without a prototype in its attributes. */
export function frozenTenant({ id, status, attributes }: TenantRecord): TenantRecord {
  const own: Record<string, string> = Object.assign(Object.create(null), attributes);
  return Object.freeze({ id, status, attributes: Object.freeze(own) });
}
