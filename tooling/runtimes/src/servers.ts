// The runtime's own server, where it has one that speaks fetch. Each is asked for by its own name: they share no type.
import { type Peer, peerOf } from '@apisec/core';

/** A handler as servers call it. `env` is what the server knows besides: Hono's helpers read it. */
export type Handler = (
  request: Request,
  env: object,
  context?: ExecutionContext,
) => Response | Promise<Response>;

/** Of Workers. */
export interface ExecutionContext {
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly passThroughOnException: () => void;
  readonly props: object;
}

/** A server that runs. */
export interface Running {
  readonly port?: number;
  readonly fetch?: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** The server of a runtime. */
export interface RuntimeServer {
  readonly name: string;
  readonly serve: (handler: Handler) => Running;
  /** Who calls, by what the server gave to the handler. */
  readonly peerOf: (env: object, request: Request) => Peer;
}

interface BunServer {
  readonly port: number;
  readonly stop: (closeConnections: boolean) => Promise<void>;
  readonly requestIP: (request: Request) => { readonly address: string } | null;
}

interface BunLike {
  readonly serve: (options: {
    readonly port: number;
    readonly hostname: string;
    readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
    readonly websocket?: unknown;
  }) => BunServer;
}

interface DenoInfo {
  readonly remoteAddr: { readonly hostname: string };
}

interface DenoLike {
  readonly serve: (
    options: { readonly port: number; readonly hostname: string; readonly onListen: () => void },
    handler: (request: Request, info: DenoInfo) => Response | Promise<Response>,
  ) => { readonly addr: { readonly port: number }; readonly shutdown: () => Promise<void> };
}

/** What `worker.mjs` puts there on workerd. */
interface WorkerLike {
  /** Asks this worker by its own binding: a call of its own, as another Worker would make it. */
  readonly fetch: (request: Request) => Promise<Response>;
  handler: Handler | undefined;
}

const runtime = globalThis as {
  readonly Bun?: BunLike;
  readonly Deno?: DenoLike;
  readonly apisecWorker?: WorkerLike;
};
const LOOPBACK = { port: 0, hostname: '127.0.0.1' };

function onBun({ serve }: BunLike): RuntimeServer {
  return {
    name: 'Bun.serve',
    serve: (handler) => {
      const server = serve({ ...LOOPBACK, fetch: handler });
      return { port: server.port, close: () => server.stop(true) };
    },
    peerOf: (env, request) => peerOf((env as BunServer).requestIP(request)?.address),
  };
}

function onDeno({ serve }: DenoLike): RuntimeServer {
  return {
    name: 'Deno.serve',
    serve: (handler) => {
      const server = serve({ ...LOOPBACK, onListen: () => undefined }, handler);
      return { port: server.addr.port, close: () => server.shutdown() };
    },
    peerOf: (env) => peerOf((env as DenoInfo).remoteAddr.hostname),
  };
}

function onWorkerd(worker: WorkerLike): RuntimeServer {
  return {
    name: 'a Worker',
    serve: (handler) => {
      worker.handler = handler;
      return {
        fetch: worker.fetch,
        close: async () => {
          worker.handler = undefined;
        },
      };
    },
    peerOf: () => peerOf('127.0.0.1'),
  };
}

/** Undefined where the runtime has none. */
export const server: RuntimeServer | undefined = runtime.apisecWorker
  ? onWorkerd(runtime.apisecWorker)
  : runtime.Bun
    ? onBun(runtime.Bun)
    : runtime.Deno && onDeno(runtime.Deno);
