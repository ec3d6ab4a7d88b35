import { request } from 'node:http';
import {
  Client,
  credentials,
  status as grpcStatus,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { proto } from './proto.ts';

/** What a caller saw. */
export interface Answer {
  /** HTTP status, GraphQL error code or gRPC status; `data` and `OK` where those have no error. */
  readonly status: string;
  /** The code of the denial. */
  readonly code?: string | undefined;
  /** All that came back, for leak checks. */
  readonly text: string;
}

/** A client of one API. */
export interface Caller {
  /** Makes one call; a header may come twice. */
  readonly call: (operation: OperationName, headers: Headers) => Promise<Answer>;
  readonly close: () => void;
}

type Headers = readonly (readonly [name: string, value: string])[];

/** What each operation is called on the wire. */
const operations = {
  health: ['GET /health', '{ health { message } }', 'Health'],
  orders: ['GET /orders', '{ orders { message } }', 'Orders'],
  placeOrder: ['POST /orders', 'mutation { placeOrder { message } }', 'PlaceOrder'],
  refund: ['POST /refunds', 'mutation { refund { message } }', 'Refund'],
  payout: ['POST /payouts', 'mutation { payout { message } }', 'Payout'],
  exported: ['GET /export', '{ export { message } }', 'Export'],
  forecast: ['GET /forecast', '{ forecast { message } }', 'Forecast'],
  stock: ['GET /stock', '{ stock { message } }', 'Stock'],
  debug: ['GET /debug', '{ debug { message } }', 'Debug'],
} as const;

export type OperationName = keyof typeof operations;

export function restCaller(port: number): Caller {
  return {
    call: async (operation, headers) => {
      const [method = '', path = ''] = operations[operation][0].split(' ');
      const { status, text } = await send(port, method, path, headers);
      const { code } = JSON.parse(text || '{}') as { readonly code?: string };
      return { status, code, text };
    },
    close: () => undefined,
  };
}

export function graphqlCaller(port: number): Caller {
  return {
    call: async (operation, headers) => {
      const body = JSON.stringify({ query: operations[operation][1] });
      const json = ['content-type', 'application/json'] as const;
      const { text } = await send(port, 'POST', '/', [...headers, json], body);
      const { errors } = JSON.parse(text) as {
        readonly errors?: readonly { readonly extensions: { code: string; reason?: string } }[];
      };
      const error = errors?.[0]?.extensions;
      return { status: error?.code ?? 'data', code: error?.reason, text };
    },
    close: () => undefined,
  };
}

export function grpcCaller(port: number): Caller {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: (operation, headers) => {
      const metadata = new Metadata();
      // No gRPC client sends a single-valued header twice, but a proxy on the way may have joined two.
      for (const [name, value] of headers) {
        metadata.set(name, [...metadata.get(name), value].join(', '));
      }
      const path = `/shop.v1.Shop/${operations[operation][2]}`;
      const { serialize } = proto['shop.v1.Request'];
      const { deserialize } = proto['shop.v1.Reply'];
      return new Promise((resolve) => {
        client.makeUnaryRequest(path, serialize, deserialize, {}, metadata, (error, reply) =>
          resolve({
            status: grpcStatus[error?.code ?? 0] ?? '',
            code: error ? reasonOf(error) : undefined,
            text: JSON.stringify([error?.message, error?.metadata.getMap(), reply]),
          }),
        );
      });
    },
    close: () => client.close(),
  };
}

/** The reason of the `google.rpc.ErrorInfo` that comes with a status. */
function reasonOf({ metadata }: ServiceError): string | undefined {
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (!(bytes instanceof Buffer)) return undefined;
  const [info] = proto['google.rpc.Status'].deserialize(bytes).details;
  return info && proto['google.rpc.ErrorInfo'].deserialize(info.value).reason;
}

/** Not `fetch`: it would join repeated headers before they are sent, and set an origin of its own. */
function send(
  port: number,
  method: string,
  path: string,
  headers: Headers,
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        host: '127.0.0.1',
        method,
        path,
        headers: [
          ['host', `127.0.0.1:${port}`],
          ['content-length', String(Buffer.byteLength(body))],
          ...headers,
        ].flat(),
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: String(response.statusCode), text }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
