import type { Server } from 'node:http';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/fastify';
import { fastifyRoutes, toWebRequest } from '@apisec/oauth';
import fastify from 'fastify';
import type { Login } from './login.ts';
import { page } from './page.ts';

export async function mountFastify(
  server: Server,
  { origin, routes, account, toApi }: Login,
): Promise<void> {
  const app = fastify({ serverFactory: (handler) => server.on('request', handler) });
  await app.register(fastifyRoutes(routes));
  await app.register(async (scope) => {
    await scope.register(secure(account));
    scope.get('/api/orders', (request) =>
      toApi(toWebRequest(request.raw, origin), factsOf(request, account)),
    );
    scope.get('/', (request, reply) =>
      reply.type('text/html').send(page(factsOf(request, account).principal.subject)),
    );
  });
  await app.ready();
}
