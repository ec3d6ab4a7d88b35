import { loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** `google.rpc.Status`, with those of its details decoded that the suite knows. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Encoded {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly type_url: string; readonly value: Buffer }[];
}

const text = { type: 'string' };
const reading = (responseType: string) => ({ requestType: 'Status', responseType, comment: '' });

/** google/rpc/status.proto and error_details.proto, as far as denials use them. */
const loaded = loadPackageDefinition(
  fromJSON(
    {
      nested: {
        Any: { fields: { type_url: { ...text, id: 1 }, value: { type: 'bytes', id: 2 } } },
        Status: {
          fields: {
            code: { type: 'int32', id: 1 },
            message: { ...text, id: 2 },
            details: { rule: 'repeated', type: 'Any', id: 3 },
          },
        },
        ErrorInfo: { fields: { reason: { ...text, id: 1 }, domain: { ...text, id: 2 } } },
        Duration: {
          fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } },
        },
        RetryInfo: { fields: { retry_delay: { type: 'Duration', id: 1 } } },
        Violation: { fields: { subject: { ...text, id: 1 }, description: { ...text, id: 2 } } },
        QuotaFailure: { fields: { violations: { rule: 'repeated', type: 'Violation', id: 1 } } },
        Reader: {
          methods: {
            Status: reading('Status'),
            ErrorInfo: reading('ErrorInfo'),
            RetryInfo: reading('RetryInfo'),
            QuotaFailure: reading('QuotaFailure'),
          },
        },
      },
    },
    { keepCase: true, longs: Number },
  ),
  // The descriptor above says what is there; the loader's type cannot.
) as unknown as { readonly Reader: { readonly service: ServiceDefinition } };

/** Decodes the value of `grpc-status-details-bin` with a protobuf library; details are named by their type. */
export function decodeStatus(bytes: Buffer): RpcStatus {
  // What each method reads is what the descriptor says.
  const { code, message, details } = read('Status', bytes) as Encoded;
  return {
    code,
    message,
    details: Object.fromEntries(
      details.map(({ type_url, value }) => {
        const name = type_url.replace('type.googleapis.com/google.rpc.', '');
        return [name, read(name, value)];
      }),
    ),
  };
}

function read(name: string, bytes: Buffer): unknown {
  return loaded.Reader.service[name]?.responseDeserialize(bytes);
}
