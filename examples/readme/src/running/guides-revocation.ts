import { audience, issuer } from './provider.ts';

export const clientSecret = 'a secret of at least thirty-two characters';
export { audience, issuer };
