import { audience, issuer } from './provider.ts';

/** Which versions were used, and by whom. */
export const counted: (readonly unknown[])[] = [];
export const count = (...labels: readonly unknown[]): number => counted.push(labels);
export { audience, issuer };
