import { Value } from '@sinclair/typebox/value';
import { audience, issuer } from './provider.ts';

export const secret = crypto.getRandomValues(new Uint8Array(32));
/** What was dropped of answers. */
export const counted: (readonly unknown[])[] = [];
export const metrics = { count: (...labels: readonly unknown[]) => counted.push(labels) };
export { audience, issuer, Value };
