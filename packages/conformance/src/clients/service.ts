import { loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** The gRPC service of the suite. */
export const SERVICE = 'conformance.v1.Api';

/** The full path of an operation, as gRPC adapters supply it. */
export function methodPath(operation: string): string {
  return `/${SERVICE}/${capital(operation)}`;
}

export function capital(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** The streams that every gRPC subject serves besides the operations. */
export const streams: Readonly<Record<'watch' | 'upload' | 'chat', object>> = Object.freeze({
  watch: { responseStream: true },
  upload: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
});

/** The service definition for these unary operations and the streams. */
export function serviceDefinition(operations: readonly string[]): ServiceDefinition {
  const shape = { requestType: 'Request', responseType: 'Reply' };
  const methods = Object.fromEntries([
    ...operations.map((name) => [capital(name), shape]),
    ...Object.entries(streams).map(([name, kind]) => [capital(name), { ...shape, ...kind }]),
  ]);
  const loaded = loadPackageDefinition(
    fromJSON(
      {
        nested: {
          conformance: {
            nested: {
              v1: {
                nested: {
                  Api: { methods },
                  Request: { fields: { amount: { type: 'double', id: 1 } } },
                  Reply: {
                    fields: {
                      id: { type: 'string', id: 1 },
                      amount: { type: 'double', id: 2 },
                      secret: { type: 'string', id: 3 },
                      poison: { type: 'bool', id: 4 },
                    },
                  },
                },
              },
            },
          },
        },
      },
      { defaults: true },
    ),
  );
  // The descriptor above says what is there; the loader's type cannot.
  const api = (
    loaded as unknown as {
      conformance: { v1: { Api: { service: ServiceDefinition } } };
    }
  ).conformance.v1.Api;
  return api.service;
}
