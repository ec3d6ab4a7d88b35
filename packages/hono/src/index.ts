export { type HonoHost, type SecureOptions, secure } from './secure.ts';
