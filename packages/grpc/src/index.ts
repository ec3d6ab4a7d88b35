export { type MethodTable, type SecureOptions, secure } from './secure.ts';
export type { GrpcSeed } from './seed.ts';
