export { type ApisecOptions, apisec } from './apisec.ts';
export type { HostRequest } from './request.ts';
