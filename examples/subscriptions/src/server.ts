import { createServer as createHttpServer, type Server } from 'node:http';
import type { TrustedIssuer } from '@apisec/core';
import { apisec as apisecSse } from '@apisec/graphql/sse';
import { apisec as apisecWs } from '@apisec/graphql/ws';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { pricesApi } from './schema.ts';

/**
 * One API over WebSockets at `/graphql`, and over server-sent events at `/graphql/stream` for clients behind proxies
 * that take no sockets: the same policy, from connecting to the last event.
 */
export function createServer(trusted: TrustedIssuer): Server {
  const guarded = { ...pricesApi(trusted), execution: { deadline: '5s', listItems: 500 } } as const;
  const stream = createHandler(apisecSse({ ...guarded, maxBodyBytes: 100_000 }));
  const server = createHttpServer((request, response) => {
    if (request.url?.split('?')[0] !== '/graphql/stream') {
      response.writeHead(404).end();
      return;
    }
    stream(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: 100_000 });
  useServer(apisecWs({ ...guarded, maxOperations: 10 }), sockets);
  return server;
}
