import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { apisec } from '@apisec/apollo';
import { startStandalone } from '@apisec/apollo/standalone';
import { type Admission, type GraphqlFacts } from '@apisec/core';
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

type Guard = Admission<GraphqlFacts, object>;
type Serve = (admission: Guard, schema: GraphQLSchema) => Promise<Listening>;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const apollo = (admission: Guard, schema: GraphQLSchema): ApolloServer =>
  new ApolloServer({
    schema,
    plugins: [apisec({ admission })],
    logger: quiet,
    introspection: true,
    allowBatchedHttpRequests: true,
    stopOnTerminationSignals: false,
  });

async function listen(
  listener?: RequestListener,
): Promise<Listening & { readonly server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { server, close, url: `http://127.0.0.1:${port}/` };
}

const LISTEN = { port: 0, host: '127.0.0.1' };

/** Every server that speaks HTTP, each on a real socket and as its users mount it. */
export const httpServers: readonly (readonly [string, Serve])[] = [
  [
    'Apollo, standalone',
    async (admission, schema) => {
      const server = apollo(admission, schema);
      const { url } = await startStandalone(server, { admission, listen: LISTEN });
      return { url, close: () => server.stop() };
    },
  ],
  [
    'Apollo on Express',
    async (admission, schema) => {
      const server = apollo(admission, schema);
      await server.start();
      const app = express();
      const context = async ({ req }: { req: unknown }) => ({ req });
      app.use('/', express.json(), expressMiddleware(server, { context }));
      const { url, close } = await listen(app);
      return { url, close: () => Promise.all([close(), server.stop()]) };
    },
  ],
  [
    'Yoga',
    (admission, schema) => {
      const options = { schema, batching: true, logging: false, graphqlEndpoint: '/' };
      const yoga = createYoga({ ...options, plugins: [apisecYoga({ admission })] });
      return listen((request, response) => void yoga(request, response));
    },
  ],
  [
    'graphql-sse',
    (admission, schema) => {
      const handler = createHandler(apisecSse({ admission, schema }));
      return listen((request, response) => {
        handler(request, response).catch(() => response.writeHead(500).end());
      });
    },
  ],
];

export async function serveSockets(admission: Guard, schema: GraphQLSchema): Promise<Listening> {
  const { server, url, close } = await listen();
  const sockets = new WebSocketServer({ server, path: '/' });
  useServer(apisecWs({ admission, schema }), sockets);
  return {
    url: url.replace('http', 'ws'),
    close: () => {
      for (const each of sockets.clients) each.terminate();
      return close();
    },
  };
}
