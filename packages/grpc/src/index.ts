export type { CallLimits } from './call-limits.ts';
export { type ChannelTls, type ChannelTlsOptions, channelTls } from './channel-tls.ts';
export type { GrpcSeed } from './connection.ts';
export { coverServer } from './cover-server.ts';
export { guardService, type ServiceGuards, type ServiceLike } from './guard-service.ts';
export type { MethodTable, SecureOptions } from './interceptor.ts';
export { documentedOperations, inventoryOf, type ProtoDefinition } from './inventory.ts';
export { secure } from './secure.ts';
export { type SecureClient, type SecureClientOptions, secureClient } from './secure-client.ts';
export {
  type SecureServerOptions,
  type SecureServerSettings,
  secureServerOptions,
} from './secure-server-options.ts';
export { type ServerTls, type ServerTlsOptions, serverTls } from './server-tls.ts';
export type { ClientToken } from './token-cache.ts';
