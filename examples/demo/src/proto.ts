import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';

/** What the files in `proto/` define; the loader's own type cannot tell. */
interface Definitions {
  readonly 'shop.v1.Shop': ServiceDefinition;
  readonly 'shop.v1.Request': MessageTypeDefinition<object, object>;
  readonly 'shop.v1.Reply': MessageTypeDefinition<object, object>;
  readonly 'google.rpc.Status': MessageTypeDefinition<
    object,
    { readonly details: readonly { readonly value: Buffer }[] }
  >;
  readonly 'google.rpc.ErrorInfo': MessageTypeDefinition<object, { readonly reason: string }>;
}

export const proto: Definitions = loadSync(['shop.proto', 'error.proto'], {
  includeDirs: [join(import.meta.dirname, '../proto')],
}) as unknown as Definitions;
