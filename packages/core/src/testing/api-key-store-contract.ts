import type { ApiKeyStore } from '../contracts/api-key-store.ts';
import { changes } from './api-key-store/changes.ts';
import { lists } from './api-key-store/lists.ts';
import { quotas } from './api-key-store/quotas.ts';
import { rows } from './api-key-store/rows.ts';
import type { ContractCase } from './contract-case.ts';

/**
 * What every `ApiKeyStore` promises, as cases for any test runner. They take a store, which may hold other
 * rows; races are only seen with one that has several connections.
 *
 * @example
 * for (const { name, run } of apiKeyStoreContract) test(name, () => run(store));
 */
export const apiKeyStoreContract: readonly ContractCase<ApiKeyStore>[] = Object.freeze([
  ...rows,
  ...changes,
  ...lists,
  ...quotas,
]);
