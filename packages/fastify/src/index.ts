export { answerPreflights } from './answer-preflights.ts';
export { type AssertSecuredOptions, assertSecured } from './assert-secured.ts';
export { inventoryOf, watchRoutes } from './inventory.ts';
export { type Problems, type ProblemsOptions, problems } from './problems.ts';
export { type SecureOptions, secure } from './secure.ts';
export type { HookReply, HookRequest, SecurePlugin, SecureRoute } from './types.ts';
