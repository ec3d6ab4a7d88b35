import type { Coverage } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import {
  type Server,
  type ServerDuplexStream,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { GrpcSeed } from './connection.ts';
import { onEachPort, serverHandle } from './grpc-handle.ts';
import { admitCalls } from './grpc-requests.ts';
import { markCovered, tableOf } from './interceptor.ts';

/** Calls that one connection may have open at a time, where the server has no limit of its own. */
const STREAMS_PER_CONNECTION = 100;
const STREAMS_OPTION = 'grpc.max_concurrent_streams';

/**
 * Does not start a server that {@link secure} as an interceptor does not cover, and closes what interceptors cannot
 * see. To be called once, after the services are added and before the server is bound. `secure(server, …)` does
 * the same by itself.
 *
 * - Every method that is served must be listed, and every listed one served; `secure` must come first. It then comes
 *   before interceptors of a port's credentials as well.
 * - Calls of unknown methods are decided and observed like those of unlisted ones, so that probing learns
 *   nothing. Without this, grpc-js answers them itself, unseen.
 * - A repeated `authorization` is seen as repeated, and one that is not ASCII as one. Without this, Node keeps
 *   the first, and grpc-js drops the other and writes it to the log.
 * - A deadline that is not written as gRPC says is denied (`deadline.malformed`), and one of more than 24 days is one
 *   of 24 days. Without this, grpc-js reads `-5S` as five seconds, and a month as a time that has passed.
 * - What is not gRPC (another method than POST, another content type) is answered in HTTP and reset.
 * - Handlers of streams get messages as they read them, one ahead. Without this, grpc-js reads sixteen ahead, each of
 *   which may be as large as a message may be, however few bytes it was sent in.
 * - A connection has at most 100 calls open, where the server does not set `grpc.max_concurrent_streams`. Without
 *   this there is no limit.
 *
 * @throws ConfigurationError naming what is not covered.
 * @example
 * const server = new Server({ interceptors: [secure({ methods })] });
 * server.addService(ordersService, handlers);
 * coverServer(server);
 * server.bindAsync('0.0.0.0:50051', credentials, done);
 */
export function coverServer(server: Server): void {
  const handle = serverHandle(server, 'coverServer');
  const [first, ...others] = handle.interceptors;
  assertConfiguration(
    first !== undefined && tableOf(first) !== undefined,
    'coverServer: secure() must be the first interceptor: new Server({ interceptors: [secure(…)] }).',
  );
  cover(server, first, 'coverServer');
  // From now on it stands in front of all others.
  handle.interceptors = others;
}

/** Covers a server with an interceptor of `secure`, which is not among its interceptors yet. */
export function cover(server: Server, interceptor: ServerInterceptor, where: string): void {
  const handle = serverHandle(server, where);
  assertConfiguration(
    handle.http2Servers.size === 0,
    `${where}: the server is already bound; call this before bindAsync().`,
  );
  assertConfiguration(
    where === 'coverServer' || !handle.interceptors.some((each) => tableOf(each) !== undefined),
    'secure: the server already has secure() as an interceptor; remove it from its interceptors.',
  );
  const table = tableOf(interceptor);
  table?.assertCovered(handle.handlers.keys());
  for (const handler of handle.handlers.values()) readOneAhead(handler);
  coverUnknownMethods(handle.handlers);
  const isBounded = handle.options?.[STREAMS_OPTION] !== undefined;
  onEachPort(
    handle,
    (http2Server) => {
      if (!isBounded) http2Server.updateSettings({ maxConcurrentStreams: STREAMS_PER_CONNECTION });
      admitCalls(http2Server);
    },
    (ofPort) => [interceptor, ...ofPort],
  );
  markCovered(interceptor);
  if (table !== undefined) covering.set(server, table);
}

const covering = new WeakMap<Server, Coverage<GrpcSeed>>();

/** The table that covers a server, where {@link cover} has been called. */
export function coveringTable(server: Server): Coverage<GrpcSeed> | undefined {
  return covering.get(server);
}

/** A method as grpc-js keeps it. Unary ones, and those with streams of answers alone, have no stream to read. */
interface Handler {
  func: (call: Partial<ReadableLike>, ...others: unknown[]) => unknown;
  readonly type: string;
}

/** Streams of Node have no public way to set it later. */
const STATE = '_readableState';

interface ReadableLike {
  readonly [STATE]: { highWaterMark: number };
}

/** Streams of grpc-js hold sixteen messages, whatever their size. */
function readOneAhead(known: object): void {
  const handler = known as Handler;
  if (handler.type !== 'clientStream' && handler.type !== 'bidi') return;
  const { func } = handler;
  handler.func = (call, ...others) => {
    const state = call[STATE];
    if (state) state.highWaterMark = 1;
    return func(call, ...others);
  };
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
