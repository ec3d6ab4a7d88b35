import type { DocumentedOperation, ServedOperation } from '@apisec/core';
import type { Server } from '@grpc/grpc-js';
import { coveringTable } from './cover-server.ts';
import { serverHandle } from './grpc-handle.ts';
import { tableOf } from './interceptor.ts';

/**
 * Every method that a server serves, with the table that decides on it, for `coverageReport`. To be called once the
 * services are added; `secure(server, …)` or `coverServer` may come before or after, and what neither has covered is
 * listed as open.
 *
 * @throws ConfigurationError when grpc-js is built in another way than is known here.
 * @example
 * const report = coverageReport(inventoryOf(server));
 */
export function inventoryOf(server: Server): readonly ServedOperation[] {
  const { handlers, interceptors } = serverHandle(server, 'inventoryOf');
  const table = coveringTable(server) ?? (interceptors[0] && tableOf(interceptors[0]));
  const admissions = table === undefined ? [] : [table];
  return [...handlers.keys()].map((operation) => ({ operation, protocol: 'grpc', admissions }));
}

/** What is read of a package definition of `@grpc/proto-loader`. */
export type ProtoDefinition = Readonly<Record<string, object>>;

/**
 * What a proto file lists, as `@grpc/proto-loader` has loaded it, for the option `documented` of `coverageReport`. A
 * method is deprecated by `option deprecated = true`.
 *
 * @example
 * const documented = documentedOperations(loadSync('shop.proto'));
 */
export function documentedOperations(definition: ProtoDefinition): readonly DocumentedOperation[] {
  return Object.values(definition)
    .flatMap((service) => Object.values(service) as readonly unknown[])
    .flatMap((method) => {
      const { path, options } = (method ?? {}) as {
        readonly path?: unknown;
        readonly options?: { readonly deprecated?: unknown };
      };
      if (typeof path !== 'string' || !path.startsWith('/')) return [];
      return [{ operation: path, deprecated: options?.deprecated === true }];
    });
}
