import type { ServiceDefinition } from '@grpc/grpc-js';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

/** The gRPC service of the benchmark. In JSON, so that no schema has to be compiled; all variants pay the same. */
export const METHOD = '/shop.v1.Orders/Get';

export const ordersService = {
  Get: {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: json,
    requestDeserialize: parse,
    responseSerialize: json,
    responseDeserialize: parse,
  },
} as const satisfies ServiceDefinition;
