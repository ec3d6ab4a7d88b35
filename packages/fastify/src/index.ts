export { type SecureOptions, secure } from './secure.ts';
export type { HookReply, HookRequest, SecurePlugin, SecureRoute } from './types.ts';
