export { answerPreflights } from './answer-preflights.ts';
export { inventoryOf } from './inventory.ts';
export { assertSecured, operationsOf, unsecuredOperations } from './operations.ts';
export { type Problems, type ProblemsOptions, problems } from './problems.ts';
export { type HonoHost, type SecureOptions, secure } from './secure.ts';
export { type WatchedUpgrade, watchedUpgrade } from './watched-upgrade.ts';
