import type { SessionRecord, SessionStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, freezeDeep } from '@apisec/core/host';

/** Options of {@link memorySessionStore}. */
export interface MemorySessionStoreOptions {
  /** Sessions that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A full store looks through all of its sessions at most this often. */
const SWEEP_EVERY_MS = 1_000;

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
  const rows = new Map<string, SessionRecord>();
  /** Ids by user and by session at the issuer. */
  const groups = new Map<string, Set<string>>();
  const ends = new Map<string, { readonly at: number; readonly until: number }>();
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  let swept = Number.NEGATIVE_INFINITY;

  const drop = (session: SessionRecord): boolean => {
    leases.delete(session.id);
    for (const group of groupsOf(session)) {
      const ids = groups.get(group);
      ids?.delete(session.id);
      if (ids?.size === 0) groups.delete(group);
    }
    return rows.delete(session.id);
  };
  const live = (id: string): SessionRecord | undefined => {
    const row = rows.get(id);
    if (row === undefined || now() < endOf(row)) return row;
    drop(row);
    return undefined;
  };
  const makeRoom = (full: { readonly size: number }): void => {
    if (full.size < capacity) return;
    const time = now();
    if (Math.abs(time - swept) >= SWEEP_EVERY_MS) {
      swept = time;
      for (const row of rows.values()) if (!(time < endOf(row))) drop(row);
      for (const [key, { until }] of ends) if (!(time < until)) ends.delete(key);
    }
    if (full.size >= capacity) throw new Error('memorySessionStore: full.');
  };
  const lastEnd = (key: string) => {
    const end = ends.get(key);
    return end !== undefined && now() < end.until ? end : undefined;
  };
  const members = (group: string): readonly SessionRecord[] =>
    [...(groups.get(group) ?? [])].flatMap((id) => live(id) ?? []);

  return Object.freeze({
    create: (session: SessionRecord) => {
      if (live(session.id) !== undefined) return false;
      makeRoom(rows);
      rows.set(session.id, copy(session));
      for (const group of groupsOf(session)) {
        groups.set(group, (groups.get(group) ?? new Set()).add(session.id));
      }
      return true;
    },
    read: live,
    replace: (expected: number, next: SessionRecord) => {
      const row = live(next.id);
      if (row?.version !== expected) return false;
      const { issuer, subject, sid, expiresAt } = row;
      rows.set(next.id, copy({ ...next, issuer, subject, sid, expiresAt }));
      return true;
    },
    delete: (id: string, expected?: number) => {
      const row = live(id);
      return row !== undefined && (expected ?? row.version) === row.version && drop(row);
    },
    deleteBySubject: (issuer: string, subject: string, except?: string) =>
      members(groupOf('sub', issuer, subject)).filter((row) => row.id !== except && drop(row))
        .length,
    deleteBySid: (issuer: string, sid: string) =>
      members(groupOf('sid', issuer, sid)).filter(drop).length,
    markEnded: (key: string, at: number, ttlMs: number) => {
      const time = now();
      const known = lastEnd(key);
      if (known === undefined) makeRoom(ends);
      const latest = Math.max(at, known?.at ?? at);
      ends.set(key, { at: latest, until: Math.max(time + ttlMs, known?.until ?? 0) });
    },
    endedAt: (keys: readonly string[]) => {
      const known = keys.flatMap((key) => lastEnd(key)?.at ?? []);
      return known.length > 0 ? Math.max(...known) : undefined;
    },
    list: (issuer: string, subject: string) =>
      members(groupOf('sub', issuer, subject)).toSorted(
        (one, other) => other.createdAt - one.createdAt,
      ),
    acquireLease: (id: string, holder: string, ttlMs: number) => {
      if (live(id) === undefined) return false;
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

function copy(session: SessionRecord): SessionRecord {
  return freezeDeep(structuredClone(session));
}

function groupsOf({ issuer, subject, sid }: SessionRecord): readonly string[] {
  const bySubject = groupOf('sub', issuer, subject);
  return sid === undefined ? [bySubject] : [bySubject, groupOf('sid', issuer, sid)];
}

function groupOf(kind: 'sub' | 'sid', issuer: string, name: string): string {
  return `${kind} ${issuer.length} ${issuer}${name}`;
}

function endOf({ idleUntil, expiresAt }: SessionRecord): number {
  return Math.min(idleUntil, expiresAt);
}
