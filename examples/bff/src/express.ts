import type { Server } from 'node:http';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/express';
import { sendWebResponse, toNodeHandler, toWebRequest } from '@apisec/oauth';
import express from 'express';
import type { Login } from './login.ts';
import { page } from './page.ts';

export function mountExpress(server: Server, { origin, routes, account, toApi }: Login): void {
  const app = express();
  app.use(toNodeHandler(routes));
  app.get('/api/orders', secure(account), (req, res, next) => {
    toApi(toWebRequest(req, origin), factsOf(req, account))
      .then((answer) => sendWebResponse(answer, res))
      .catch(next);
  });
  app.get('/', secure(account), (req, res) => {
    res.type('html').send(page(factsOf(req, account).principal.subject));
  });
  server.on('request', app);
}
