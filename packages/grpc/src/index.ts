export { coverServer } from './cover-server.ts';
export { guardService } from './guard-service.ts';
export { type MethodTable, type SecureOptions, secure } from './secure.ts';
export type { GrpcSeed } from './seed.ts';
