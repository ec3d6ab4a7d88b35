import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

export declare const metrics: { readonly count: (...labels: readonly unknown[]) => void };
export type { TSchema };
export { Value };

/** A message that was made from a protobuf schema. */
interface ListOrders {
  readonly pageSize: number;
  readonly pageToken: string;
}

export type { ListOrders };
