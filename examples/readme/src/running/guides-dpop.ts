import { audience, issuer } from './provider.ts';

export const clientSecret = 'a secret of at least thirty-two characters';
export const secret = crypto.getRandomValues(new Uint8Array(32));
export { audience, issuer };
