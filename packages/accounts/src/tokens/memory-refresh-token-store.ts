import type { RefreshTokenFamily, RefreshTokenStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, expiringRows } from '@apisec/core/host';

/** Options of {@link memoryRefreshTokenStore}. */
export interface MemoryRefreshTokenStoreOptions {
  /** Families that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

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
  const rows = expiringRows<RefreshTokenFamily>({
    where: 'memoryRefreshTokenStore',
    capacity,
    now,
    endsAt: ({ expiresAt }) => expiresAt,
    groupsOf: ({ subject }) => [subject],
  });
  const end = (row: RefreshTokenFamily | undefined, ended: 'reused' | 'revoked'): boolean => {
    if (row === undefined || row.ended !== undefined) return false;
    rows.replace({ ...row, ended });
    return true;
  };
  return Object.freeze({
    insert: rows.insert,
    get: rows.get,
    replace: (expected: string, next: RefreshTokenFamily) => {
      const row = rows.get(next.id);
      const stands = row !== undefined && row.ended === undefined && row.current === expected;
      if (stands) rows.replace(next);
      return stands;
    },
    end: (id: string, why: 'reused' | 'revoked') => end(rows.get(id), why),
    endSubject: (subject: string) =>
      rows.inGroup(subject).filter((row) => end(row, 'revoked')).length,
  });
}
