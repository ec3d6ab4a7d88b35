// A service without a file of its own: messages are JSON.
import type { ServiceDefinition } from '@grpc/grpc-js';

const toBytes = (message: object): Buffer => Buffer.from(JSON.stringify(message));
// Both ends are ours.
const toMessage = (bytes: Buffer): object => JSON.parse(String(bytes)) as object;

/** A service whose methods answer once, but for those that stream. */
export const serviceOf = (
  name: string,
  methods: readonly string[],
  streaming: readonly string[] = [],
): ServiceDefinition =>
  Object.fromEntries(
    methods.map((method) => [
      method,
      {
        path: `/${name}/${method}`,
        requestStream: false,
        responseStream: streaming.includes(method),
        requestSerialize: toBytes,
        requestDeserialize: toMessage,
        responseSerialize: toBytes,
        responseDeserialize: toMessage,
      },
    ]),
  );
