import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  definePolicy,
  guard,
  type HttpFacts,
  type Principal,
  pass,
  resolveTenant,
  tenantFrom,
} from '@apisec/core';
import express, { type RequestHandler } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { secure } from '../src/index.ts';

const principal: Principal = {
  id: 'ann',
  subject: 'ann',
  issuer: 'https://id.example.com',
  tenant: 'acme',
  roles: new Set(),
  scopes: new Set(),
};
const ofAcme = guard<HttpFacts>()
  .use(
    definePolicy({
      name: 'ann',
      role: 'check',
      adds: ['principal'],
      check: () => pass({ principal }),
    }),
  )
  .use(resolveTenant({ from: [tenantFrom.principal(), tenantFrom.path('tenant')] }))
  .use(allowAnonymous());

const show: RequestHandler = ({ params }, response) => void response.json(params);

test.each<[string, string, number]>([
  ['the tenant of the caller', '/plain/acme', 200],
  ['another one', '/plain/evil', 403],
  ['another one below a router under the caller’s', '/acme/of/evil', 400],
  ['the caller’s below a router under another one', '/evil/of/acme', 400],
  ['another one in a wildcard', '/files/evil', 400],
  ['another one in a parameter with quotes', '/quoted/evil', 400],
  ['another one in a group of a regular expression', '/pattern/evil', 400],
])('a path with %s is decided by what the handler gets', async (_which, path, status) => {
  const app = express();
  const nested = express.Router({ mergeParams: true });
  nested.get('/of/:tenant', secure(ofAcme), show);
  app.get('/plain/:tenant', secure(ofAcme), show);
  app.get('/files/*tenant', secure(ofAcme), show);
  app.get('/quoted/:"tenant"', secure(ofAcme), show);
  app.get(/^\/pattern\/(?<tenant>\w+)$/, secure(ofAcme), show);
  app.use('/:tenant', nested);
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(response.status).toBe(status);
  expect(await response.text()).not.toContain('"tenant":"evil"');
});
