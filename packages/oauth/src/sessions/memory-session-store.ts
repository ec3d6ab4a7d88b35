import type { SessionRecord, SessionStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, expiringRows } from '@apisec/core/host';

/** Options of {@link memorySessionStore}. */
export interface MemorySessionStoreOptions {
  /** Sessions that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Keeps sessions in the memory of this process, for tests and single nodes: whoever is signed in is signed out by a
 * restart. Never forgets a session before its end: when it is full, `create` throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memorySessionStore({ capacity: 10_000 });
 */
export function memorySessionStore(options: MemorySessionStoreOptions = {}): SessionStore {
  assertKnownOptions('memorySessionStore', options, ['capacity', 'now']);
  const { capacity = 100_000, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memorySessionStore: capacity must be a whole number of sessions, at least 1.',
  );
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  const common = { where: 'memorySessionStore', capacity, now };
  const rows = expiringRows<SessionRecord>({
    ...common,
    endsAt: ({ idleUntil, expiresAt }) => Math.min(idleUntil, expiresAt),
    groupsOf,
    onDrop: ({ id }) => leases.delete(id),
  });
  const ends = expiringRows<End>({ ...common, endsAt: ({ until }) => until });
  const drop = (row: SessionRecord): boolean => {
    rows.drop(row);
    return true;
  };

  return Object.freeze({
    create: rows.insert,
    read: rows.get,
    replace: (expected: number, next: SessionRecord) => {
      const row = rows.get(next.id);
      if (row?.version !== expected) return false;
      const { issuer, subject, sid, expiresAt } = row;
      rows.replace({ ...next, issuer, subject, sid, expiresAt });
      return true;
    },
    delete: (id: string, expected?: number) => {
      const row = rows.get(id);
      return row !== undefined && (expected ?? row.version) === row.version && drop(row);
    },
    deleteBySubject: (issuer: string, subject: string, except?: string) =>
      rows.inGroup(groupOf('sub', issuer, subject)).filter((row) => row.id !== except && drop(row))
        .length,
    deleteBySid: (issuer: string, sid: string) =>
      rows.inGroup(groupOf('sid', issuer, sid)).filter(drop).length,
    markEnded: (key: string, at: number, ttlMs: number) => {
      const known = ends.get(key);
      const until = Math.max(now() + ttlMs, known?.until ?? 0);
      const end = { id: key, at: Math.max(at, known?.at ?? at), until };
      if (known === undefined) ends.insert(end);
      else ends.replace(end);
    },
    endedAt: (keys: readonly string[]) => {
      const known = keys.flatMap((key) => ends.get(key)?.at ?? []);
      return known.length > 0 ? Math.max(...known) : undefined;
    },
    list: (issuer: string, subject: string) =>
      rows
        .inGroup(groupOf('sub', issuer, subject))
        .toSorted((one, other) => other.createdAt - one.createdAt),
    acquireLease: (id: string, holder: string, ttlMs: number) => {
      if (rows.get(id) === undefined) return false;
      const lease = leases.get(id);
      if (lease !== undefined && lease.holder !== holder && now() < lease.until) return false;
      leases.set(id, { holder, until: now() + ttlMs });
      return true;
    },
    releaseLease: (id: string, holder: string) => {
      if (leases.get(id)?.holder === holder) leases.delete(id);
    },
  } satisfies SessionStore);
}

/** An end of many sessions at once, and until when it is remembered. */
interface End {
  readonly id: string;
  readonly at: number;
  readonly until: number;
}

function groupsOf({ issuer, subject, sid }: SessionRecord): readonly string[] {
  const bySubject = groupOf('sub', issuer, subject);
  return sid === undefined ? [bySubject] : [bySubject, groupOf('sid', issuer, sid)];
}

function groupOf(kind: 'sub' | 'sid', issuer: string, name: string): string {
  return `${kind} ${issuer.length} ${issuer}${name}`;
}
