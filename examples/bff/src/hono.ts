import type { Server } from 'node:http';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/hono';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Login } from './login.ts';
import { page } from './page.ts';

export function mountHono(server: Server, { routes, account, toApi }: Login): void {
  const app = new Hono();
  app.all('/auth/*', (c) => routes.fetch(c.req.raw));
  app.get('/api/orders', secure(account), (c) => toApi(c.req.raw, factsOf(c, account)));
  app.get('/', secure(account), (c) => c.html(page(factsOf(c, account).principal.subject)));
  const listener = getRequestListener(app.fetch);
  server.on('request', (req, res) => void listener(req, res));
}
