export type { CallLimits } from './call-limits.ts';
export { type ChannelTls, type ChannelTlsOptions, channelTls } from './channel-tls.ts';
export type { GrpcSeed } from './connection.ts';
export { coverServer } from './cover-server.ts';
export { guardService } from './guard-service.ts';
export type { MethodTable, SecureOptions } from './interceptor.ts';
export { secure } from './secure.ts';
export { type ServerTls, type ServerTlsOptions, serverTls } from './server-tls.ts';
