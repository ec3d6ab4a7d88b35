import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { assertConfiguration } from '@apisec/core/host';
import type {
  Metadata,
  Server,
  ServerInterceptingCallInterface,
  ServerInterceptor,
} from '@grpc/grpc-js';

/** A status as grpc-js takes it from handlers: `metadata` may be missing. */
export type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** What hears of a call, of the next one towards the wire. */
export interface CallListener {
  readonly onReceiveMetadata: (metadata: Metadata) => void;
  readonly onReceiveMessage: (message: unknown) => void;
  readonly onReceiveHalfClose: () => void;
  readonly onCancel: () => void;
}

/**
 * The call that grpc-js itself makes of an HTTP/2 stream. Whether that stream is still there is known to nothing else:
 * grpc-js takes the end of a stream that was reset for the end of its messages, and then starts the handler.
 */
export interface WireCall extends ServerInterceptingCallInterface {
  readonly stream: ServerHttp2Stream;
  /** Called on the call itself, also where it is replaced. */
  sendStatus: (sent: SentStatus) => void;
  maxReceiveMessageSize: number;
  /** How the caller compresses messages; `identity` where it has not said. */
  readonly incomingEncoding: string;
  readonly decoder: { maxReadMessageLength: number; write: (data: Buffer) => Buffer[] };
}

const UNKNOWN_VERSION =
  'this server is built in another way than those of @grpc/grpc-js 1.14. Use 1.14.5 or later of it';

/**
 * The call behind all interceptors.
 *
 * @throws ConfigurationError when grpc-js is built in another way than is known here, so that the call is denied.
 */
export function wireCall(call: ServerInterceptingCallInterface): WireCall {
  // Private members; what the types say is checked below.
  let wire = call as unknown as WireCall & { readonly nextCall?: WireCall };
  while (wire.nextCall !== undefined) wire = wire.nextCall;
  assertConfiguration(
    typeof wire.stream?.close === 'function' &&
      typeof wire.decoder?.maxReadMessageLength === 'number' &&
      typeof wire.decoder.write === 'function',
    `secure: ${UNKNOWN_VERSION}.`,
  );
  return wire;
}

const SETUP = '_setupHandlers';

/** The parts of a grpc-js server that it has no public way to. Each is checked before it is touched. */
export interface ServerHandle {
  interceptors: readonly ServerInterceptor[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly handlers: Map<string, object>;
  readonly http2Servers: Map<object, object>;
  [SETUP]: (http2Server: Http2ServerHandle | null, extra: readonly ServerInterceptor[]) => void;
}

/** A server of `node:http2`, which grpc-js opens for each port. */
export interface Http2ServerHandle {
  readonly listeners: (event: 'stream') => readonly OnStream[];
  readonly removeAllListeners: (event: 'stream') => unknown;
  readonly on: (event: 'stream', listener: OnStream) => unknown;
  readonly updateSettings: (settings: { readonly maxConcurrentStreams: number }) => void;
}

type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders?: readonly string[],
) => void;

/** @throws ConfigurationError for a server whose private parts are not those that are known here. */
export function serverHandle(server: Server, where: string): ServerHandle {
  // Private members; what the type says is checked below.
  const handle = server as unknown as ServerHandle;
  assertConfiguration(
    Array.isArray(handle?.interceptors) &&
      handle.handlers instanceof Map &&
      handle.http2Servers instanceof Map &&
      typeof handle[SETUP] === 'function',
    `${where}: ${UNKNOWN_VERSION}, and hand over the Server itself.`,
  );
  return handle;
}

/** Calls `prepare` for each port that the server opens, with the interceptors that it is to run. */
export function onEachPort(
  handle: ServerHandle,
  prepare: (http2Server: Http2ServerHandle) => void,
  interceptors: (ofPort: readonly ServerInterceptor[]) => readonly ServerInterceptor[],
): void {
  const setup = handle[SETUP];
  handle[SETUP] = (http2Server, extra) => {
    setup.call(handle, http2Server, interceptors(extra));
    if (http2Server !== null) prepare(http2Server);
  };
}
