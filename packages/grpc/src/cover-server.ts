import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { assertConfiguration } from '@apisec/core/host';
import {
  type Server,
  type ServerDuplexStream,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { coverageOf } from './secure.ts';

const SETUP = '_setupHandlers';

/** The parts of a grpc-js server that it has no public way to. Each is checked before it is touched. */
interface ServerHandle {
  readonly interceptors: readonly ServerInterceptor[];
  readonly handlers: Map<string, object>;
  readonly http2Servers: Map<object, object>;
  [SETUP]: (http2Server: Http2ServerHandle | null, extra: unknown) => void;
}

interface Http2ServerHandle {
  readonly prependListener: (event: 'stream', listener: OnStream) => unknown;
}

type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders?: readonly string[],
) => void;

/**
 * Refuses to start a server that {@link secure} does not cover, and closes what interceptors cannot see. To
 * be called once, after the services are added and before the server is bound.
 *
 * - Every method that is served must be listed, and every listed one served; `secure` must come first.
 * - Calls of unknown methods are decided and observed like those of unlisted ones, so that probing learns
 *   nothing. Without this, grpc-js answers them itself and tells nobody.
 * - A repeated `authorization` is seen as repeated, and one that is no ASCII as one. Without this, Node keeps
 *   the first, and grpc-js drops the other and writes it to the log.
 *
 * @throws ConfigurationError naming what is not covered.
 * @example
 * const server = new Server({ interceptors: [secure({ methods })] });
 * server.addService(ordersService, handlers);
 * coverServer(server);
 * server.bindAsync('0.0.0.0:50051', credentials, done);
 */
export function coverServer(server: Server): void {
  const handle = handleOf(server);
  const [first] = handle.interceptors;
  const table = first && coverageOf(first);
  assertConfiguration(
    table !== undefined,
    'coverServer: secure() must be the first interceptor: new Server({ interceptors: [secure(…)] }).',
  );
  assertConfiguration(
    handle.http2Servers.size === 0,
    'coverServer: the server is bound already; call it before bindAsync().',
  );
  table.assertCovered(handle.handlers.keys());
  coverUnknownMethods(handle.handlers);
  mendHeaders(handle);
}

function handleOf(server: Server): ServerHandle {
  // Private members; what the type says is checked below.
  const handle = server as unknown as ServerHandle;
  assertConfiguration(
    Array.isArray(handle.interceptors) &&
      handle.handlers instanceof Map &&
      handle.http2Servers instanceof Map &&
      typeof handle[SETUP] === 'function',
    'coverServer: this server is built in another way than those of @grpc/grpc-js 1.14. Use 1.14.5 or later ' +
      'of it, and hand over the Server itself.',
  );
  return handle;
}

/** Gives each unknown method a handler, so that grpc-js asks the interceptors about it. */
function coverUnknownMethods(handlers: Map<string, object>): void {
  handlers.get = (path) =>
    Map.prototype.get.call(handlers, path) ?? {
      func: unimplemented,
      serialize: bytes,
      deserialize: bytes,
      type: 'bidi',
      path,
    };
}

/** Only for methods that are listed, and were removed from the server later. */
function unimplemented(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.emit('error', { code: status.UNIMPLEMENTED, details: 'Not implemented.' });
}

function bytes(value: Buffer): Buffer {
  return value;
}

/** Shows header fields as they came, before grpc-js makes metadata of them. */
function mendHeaders(handle: ServerHandle): void {
  const setup = handle[SETUP];
  handle[SETUP] = (http2Server, extra) => {
    setup.call(handle, http2Server, extra);
    http2Server?.prependListener('stream', (_stream, headers, _flags, rawHeaders = []) =>
      mend(headers, rawHeaders),
    );
  };
}

function mend(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  const seen = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = (rawHeaders[index + 1] as string).replace(/[^ -~]/g, '?');
    const earlier = seen.get(name);
    // The parts of one cookie field may come apart in HTTP/2 (RFC 9113 §8.2.3).
    const separator = name === 'cookie' ? '; ' : ', ';
    const all = earlier === undefined ? value : earlier + separator + value;
    seen.set(name, all);
    if (!name.startsWith(':') && typeof headers[name] === 'string') headers[name] = all;
  }
}
