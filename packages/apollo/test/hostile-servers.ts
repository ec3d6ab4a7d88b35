import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo } from 'node:net';
import { apisec } from '@apisec/apollo';
import { startStandalone } from '@apisec/apollo/standalone';
import type { OperationOptions } from '@apisec/graphql';
import { apisec as apisecSse } from '@apisec/graphql/sse';
import { apisec as apisecWs } from '@apisec/graphql/ws';
import { apisec as apisecYoga } from '@apisec/graphql/yoga';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import type { GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';

export interface Listening {
  readonly url: string;
  readonly close: () => Promise<unknown>;
}

type Options = OperationOptions<any>;
type Serve = (
  options: Options,
  schema: GraphQLSchema,
  /** Where the server is one that can speak TLS itself. */
  tls?: ServerOptions,
) => Promise<Listening>;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const apollo = (options: Options, schema: GraphQLSchema): ApolloServer =>
  new ApolloServer({
    schema,
    plugins: [apisec(options)],
    logger: quiet,
    introspection: true,
    allowBatchedHttpRequests: true,
    stopOnTerminationSignals: false,
  });

async function listen(
  listener?: RequestListener,
  tls?: ServerOptions,
): Promise<Listening & { readonly server: Server }> {
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { server, close, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/` };
}

const LISTEN = { port: 0, host: '127.0.0.1' };

/** Every server that speaks HTTP, each on a real socket and as its users mount it. */
export const httpServers: readonly (readonly [string, Serve])[] = [
  [
    'Apollo, standalone',
    async (options, schema) => {
      const server = apollo(options, schema);
      const { url } = await startStandalone(server, {
        admission: options.admission,
        listen: LISTEN,
      });
      return { url, close: () => server.stop() };
    },
  ],
  [
    'Apollo on Express',
    async (options, schema, tls) => {
      const server = apollo(options, schema);
      await server.start();
      const app = express();
      const context = async ({ req }: { req: unknown }) => ({ req });
      app.use('/', express.json(), expressMiddleware(server, { context }));
      const { url, close } = await listen(app, tls);
      return { url, close: () => Promise.all([close(), server.stop()]) };
    },
  ],
  [
    'Yoga',
    async (options, schema, tls) => {
      const plugins = [apisecYoga(options)];
      const own = { schema, batching: true, logging: false, graphqlEndpoint: '/' };
      const yoga = createYoga({ ...own, plugins });
      return listen((request, response) => void yoga(request, response), tls);
    },
  ],
  [
    'graphql-sse',
    async (options, schema, tls) => {
      const handler = createHandler(apisecSse({ ...options, schema }));
      return listen((request, response) => {
        handler(request, response).catch(() => {
          if (!response.headersSent) response.writeHead(500).end();
        });
      }, tls);
    },
  ],
];

export async function serveSockets(
  options: Options,
  schema: GraphQLSchema,
  tls?: ServerOptions,
): Promise<Listening> {
  const { server, url, close } = await listen(undefined, tls);
  const sockets = new WebSocketServer({ server, path: '/' });
  useServer(apisecWs({ ...options, schema }), sockets);
  return {
    url: url.replace('http', 'ws'),
    close: () => {
      for (const each of sockets.clients) each.terminate();
      return close();
    },
  };
}
