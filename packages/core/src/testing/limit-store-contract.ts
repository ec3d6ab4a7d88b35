import type { LimitStore } from '../contracts/limit-store.ts';
import type { ContractCase, StoreSubject } from './contract-case.ts';
import { admission } from './limit-store/admission.ts';
import { law } from './limit-store/law.ts';
import { reconciling } from './limit-store/reconciling.ts';
import { sideBySide } from './limit-store/side-by-side.ts';

/**
 * What every `LimitStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of limitStoreContract) test(name, () => run({ create, pass }));
 */
export const limitStoreContract: readonly ContractCase<StoreSubject<LimitStore>>[] = Object.freeze([
  ...admission,
  ...reconciling,
  ...sideBySide,
  ...law,
]);
