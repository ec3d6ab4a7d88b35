export { answerPreflights } from './answer-preflights.ts';
export { assertSecured, operationsOf, unsecuredOperations } from './operations.ts';
export { type HonoHost, type SecureOptions, secure } from './secure.ts';
