import { createServer } from 'node:http';
import { allowAnonymous, cors, guard, securityHeaders } from '@apisec/core';
import { answerPreflights, assertSecured, secure } from '@apisec/hono';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { listen, type Running } from './shop.ts';

/** The handlers of the API that ran, in order. */
export type Ran = string[];

/** An API on an origin of its own, which the page of `app()` may call with cookies. */
export async function startApi(app: () => string, ran: Ran): Promise<Running> {
  const surface = guard()
    .use(securityHeaders({ crossOriginResourcePolicy: 'cross-origin' }))
    .use(
      cors({
        origins: [],
        // The page's port is known when it listens.
        originPredicate: (origin) => origin === app(),
        methods: ['GET', 'PUT'],
        allowedHeaders: ['Content-Type', 'X-Trace'],
        exposedHeaders: ['X-Total'],
        credentials: true,
      }),
    )
    .use(allowAnonymous());
  const api = new Hono();
  api.get('/orders', secure(surface), (c) => {
    ran.push('list');
    c.header('X-Total', '2');
    return c.json(['book', 'lamp']);
  });
  api.put('/orders/:id', secure(surface), async (c) => {
    ran.push(`change ${c.req.param('id')}`);
    return c.json(await c.req.json());
  });
  answerPreflights(api);
  assertSecured(api);
  const listener = getRequestListener(api.fetch);
  return listen(createServer((request, response) => void listener(request, response)));
}
