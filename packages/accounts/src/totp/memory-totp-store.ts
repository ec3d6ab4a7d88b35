import type { TotpRecord, TotpStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, freezeDeep } from '@apisec/core/host';

/** Options of {@link memoryTotpStore}. */
export interface MemoryTotpStoreOptions {
  /** How many accounts it holds; one more is not added. Default: 100,000. */
  readonly maxAccounts?: number | undefined;
}

/**
 * Keeps second factors in this process's memory, for tests and demonstrations. Never forgets one by itself: when
 * it is full, `insert` throws.
 *
 * @throws ConfigurationError when `maxAccounts` is not a whole number.
 * @example
 * const factors = totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys });
 */
export function memoryTotpStore(options: MemoryTotpStoreOptions = {}): TotpStore {
  assertKnownOptions('memoryTotpStore', options, ['maxAccounts']);
  const { maxAccounts = 100_000 } = options;
  assertConfiguration(
    Number.isSafeInteger(maxAccounts) && maxAccounts > 0,
    'memoryTotpStore: maxAccounts must be a whole number above 0.',
  );
  const records = new Map<string, TotpRecord>();
  const put = (record: TotpRecord): boolean => {
    records.set(record.account, freezeDeep(structuredClone(record)));
    return true;
  };
  return Object.freeze({
    get: (account) => records.get(account),
    insert: (record) => {
      if (records.has(record.account)) return false;
      if (records.size >= maxAccounts) throw new Error('memoryTotpStore: full.');
      return put(record);
    },
    replace: (record, expected) => records.get(record.account)?.version === expected && put(record),
    remove: (account) => records.delete(account),
  } satisfies TotpStore);
}
