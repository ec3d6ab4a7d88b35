import type { PasskeyRecord, PasskeyStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, freezeDeep } from '@apisec/core/host';

/** Options of {@link memoryPasskeyStore}. */
export interface MemoryPasskeyStoreOptions {
  /** Passkeys that it holds; one more is not added. Default: 100,000. */
  readonly capacity?: number | undefined;
}

/**
 * Keeps passkeys in the memory of this process, for tests and demonstrations. Never forgets one by itself: when it is
 * full, `insert` throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryPasskeyStore();
 */
export function memoryPasskeyStore(options: MemoryPasskeyStoreOptions = {}): PasskeyStore {
  assertKnownOptions('memoryPasskeyStore', options, ['capacity']);
  const { capacity = 100_000 } = options;
  assertConfiguration(
    Number.isSafeInteger(capacity) && capacity > 0,
    'memoryPasskeyStore: capacity must be a whole number above 0.',
  );
  const rows = new Map<string, PasskeyRecord>();
  const bySubject = new Map<string, Set<string>>();
  const put = (passkey: PasskeyRecord): true => {
    rows.set(passkey.id, freezeDeep(structuredClone(passkey)));
    return true;
  };
  const list = (subject: string): readonly PasskeyRecord[] =>
    [...(bySubject.get(subject) ?? [])]
      .flatMap((id) => rows.get(id) ?? [])
      .toSorted((one, other) => one.createdAt - other.createdAt);
  const remove = (subject: string, id: string): boolean => {
    const ids = bySubject.get(subject);
    if (ids?.delete(id) !== true) return false;
    if (ids.size === 0) bySubject.delete(subject);
    return rows.delete(id);
  };

  return Object.freeze<PasskeyStore>({
    insert: (passkey) => {
      if (rows.has(passkey.id)) return false;
      if (rows.size >= capacity) throw new Error('memoryPasskeyStore: full.');
      const ids = bySubject.get(passkey.subject) ?? new Set();
      bySubject.set(passkey.subject, ids.add(passkey.id));
      return put(passkey);
    },
    get: (id) => rows.get(id),
    list,
    use: (id, { counter, backedUp, at }) => {
      const row = rows.get(id);
      if (row === undefined) return false;
      if (counter <= row.counter && !(counter === 0 && row.counter === 0)) return false;
      return put({ ...row, counter, backedUp, lastUsedAt: at });
    },
    rename: (subject, id, label) => {
      const row = rows.get(id);
      return row?.subject === subject && put({ ...row, label });
    },
    remove,
    removeBySubject: (subject) => list(subject).filter(({ id }) => remove(subject, id)).length,
  });
}
