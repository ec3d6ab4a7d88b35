export { answerPreflights } from './answer-preflights.ts';
export { type AssertSecuredOptions, assertSecured } from './assert-secured.ts';
export { type InventoryOptions, inventoryOf } from './inventory.ts';
export { operationsOf, unsecuredOperations } from './operations.ts';
export { type Problems, type ProblemsOptions, problems } from './problems.ts';
export { type SecureOptions, secure } from './secure.ts';
