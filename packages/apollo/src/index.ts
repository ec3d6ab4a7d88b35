export { type ApisecOptions, apisec } from './apisec.ts';
