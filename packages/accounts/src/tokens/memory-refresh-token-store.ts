import type { RefreshTokenFamily, RefreshTokenStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, freezeDeep } from '@apisec/core/host';

/** Options of {@link memoryRefreshTokenStore}. */
export interface MemoryRefreshTokenStoreOptions {
  /** Families that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A full store looks through all of its families at most this often. */
const SWEEP_EVERY = 1_000;

/**
 * Keeps refresh tokens in this process's memory, for tests, demonstrations and single nodes whose users may have to
 * sign in again. Never forgets a family before its end: when it is full, `insert` throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryRefreshTokenStore({ capacity: 10_000 });
 */
export function memoryRefreshTokenStore(
  options: MemoryRefreshTokenStoreOptions = {},
): RefreshTokenStore {
  assertKnownOptions('memoryRefreshTokenStore', options, ['capacity', 'now']);
  const { capacity = 100_000, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryRefreshTokenStore: capacity must be a whole number of families, at least 1.',
  );
  const rows = new Map<string, RefreshTokenFamily>();
  const bySubject = new Map<string, Set<string>>();
  let swept = Number.NEGATIVE_INFINITY;

  const put = (family: RefreshTokenFamily): boolean => {
    rows.set(family.id, freezeDeep(structuredClone(family)));
    const ids = bySubject.get(family.subject) ?? new Set();
    bySubject.set(family.subject, ids.add(family.id));
    return true;
  };
  const drop = ({ id, subject }: RefreshTokenFamily): void => {
    rows.delete(id);
    const ids = bySubject.get(subject);
    ids?.delete(id);
    if (ids?.size === 0) bySubject.delete(subject);
  };
  const live = (id: string): RefreshTokenFamily | undefined => {
    const row = rows.get(id);
    if (row === undefined || now() < row.expiresAt) return row;
    drop(row);
    return undefined;
  };
  const makeRoom = (): void => {
    if (rows.size < capacity) return;
    const time = now();
    if (Math.abs(time - swept) >= SWEEP_EVERY) {
      swept = time;
      for (const row of rows.values()) if (time >= row.expiresAt) drop(row);
    }
    if (rows.size >= capacity) throw new Error('memoryRefreshTokenStore: full.');
  };
  const end = (id: string, why: 'reused' | 'revoked'): boolean => {
    const row = live(id);
    return row !== undefined && row.ended === undefined && put({ ...row, ended: why });
  };

  return Object.freeze({
    insert: (family: RefreshTokenFamily) => {
      if (live(family.id) !== undefined) return false;
      makeRoom();
      return put(family);
    },
    get: live,
    replace: (expected: string, next: RefreshTokenFamily) => {
      const row = live(next.id);
      const stands = row !== undefined && row.ended === undefined && row.current === expected;
      return stands && put(next);
    },
    end,
    endSubject: (subject: string) =>
      [...(bySubject.get(subject) ?? [])].filter((id) => end(id, 'revoked')).length,
  });
}
