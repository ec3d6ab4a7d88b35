export { operationsOf, unsecuredOperations } from './operations.ts';
export { type SecureOptions, secure } from './secure.ts';
