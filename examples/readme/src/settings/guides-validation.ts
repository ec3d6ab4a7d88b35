import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

export declare const metrics: { readonly count: (...labels: readonly unknown[]) => void };
export type { TSchema };
export { Value };
