import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allowAnonymous, cors, coverage, definePolicy, guard } from '@apisec/core';
import express5 from 'express';
import express4 from 'express4';
import { describe, expect, test } from 'vitest';
import { answerPreflights } from './answer-preflights.ts';
import { operationsOf, unsecuredOperations } from './operations.ts';
import { secure } from './secure.ts';

const APP = 'https://app.example.com';
const ADMIN = 'https://admin.example.com';
const EVIL = 'https://evil.example';
const guardFor = (origin: string, methods: string[]) =>
  guard()
    .use(cors({ origins: [origin], methods }))
    .use(allowAnonymous());
const readers = guardFor(APP, ['GET', 'HEAD']);
const writers = guardFor(ADMIN, ['POST', 'DELETE']);

/** Calls an application once: status, and what the origin may do. */
async function serving<T>(
  app: Parameters<typeof createServer>[1],
  use: (call: (method: string, path: string, headers?: object) => Promise<string>) => Promise<T>,
): Promise<T> {
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await use(async (method, path, headers = {}) => {
      const sent = httpRequest({ port, method, path, headers: { ...headers }, agent: false });
      sent.end();
      const [answer] = await once(sent, 'response');
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      const allowed = answer.headers['access-control-allow-origin'] ?? '-';
      return `${answer.statusCode} ${allowed} ${text.startsWith('{') ? JSON.parse(text).code : text.slice(0, 20)}`.trim();
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const preflight = (origin: string, method: string) => ({
  origin,
  'access-control-request-method': method,
});

// The types of Express 5 fit what is called here of Express 4.
const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const;

describe.each(versions)('on %s, guards on single routes', (_name, express) => {
  const handler = express5.json();
  const build = () => {
    const app = express();
    const router = express.Router({ mergeParams: true });
    const show = (_request: unknown, response: { send: (text: string) => void }) =>
      response.send('shown');
    app.get('/orders/:id', secure(readers), show);
    app.delete('/orders/:id', secure(writers), show);
    app.route('/items').get(secure(readers), show).post(secure(writers), handler, show);
    router.get('/list', secure(readers), show);
    app.use('/tenants/:tenant', router);
    app.get('/open', show);
    app.options('/own', show);
    app.get('/own', secure(readers), show);
    app.all('/all', secure(readers), show);
    return { app, router };
  };

  test('answer their preflights, each by the guard of the method that is asked about', async () => {
    const { app } = build();
    answerPreflights(app);
    await serving(app, async (call) => {
      const ask = (path: string, origin: string, method: string) =>
        call('OPTIONS', path, preflight(origin, method));
      expect(await ask('/orders/1', APP, 'GET')).toBe(`204 ${APP}`);
      expect(await ask('/orders/1', APP, 'HEAD')).toBe(`204 ${APP}`);
      expect(await ask('/orders/1', ADMIN, 'DELETE')).toBe(`204 ${ADMIN}`);
      expect(await ask('/orders/1', APP, 'DELETE')).toBe('403 - cors.origin_refused');
      expect(await ask('/orders/1', EVIL, 'GET')).toBe('403 - cors.origin_refused');
      expect(await ask('/items', ADMIN, 'POST')).toBe(`204 ${ADMIN}`);
      expect(await ask('/items', ADMIN, 'GET')).toBe('403 - cors.origin_refused');
      expect(await ask('/tenants/acme/list', APP, 'GET')).toBe(`204 ${APP}`);
      expect(await ask('/all', APP, 'GET')).toBe(`204 ${APP}`);
      expect(await ask('/own', APP, 'GET')).toBe('200 - shown');
      expect(await ask('/items', APP, 'PATCH')).not.toContain(APP);
      expect(await ask('/open', APP, 'GET')).not.toContain(APP);
      expect(await call('OPTIONS', '/items')).toBe('200 - GET, POST, HEAD');
      expect(await call('GET', '/orders/1', { origin: APP })).toBe(`200 ${APP} shown`);
    });
  });

  test('do not without it', async () => {
    const { app } = build();
    await serving(app, async (call) => {
      expect(await call('OPTIONS', '/orders/1', preflight(APP, 'GET'))).not.toContain(APP);
    });
  });

  test('are decided by the row of a table, patterns included', async () => {
    const app = express();
    const table = coverage({ 'GET /orders/:id': readers, 'DELETE /orders/:id': writers });
    const show = (_request: unknown, response: { send: (text: string) => void }) =>
      response.send('shown');
    app.get('/orders/:id', secure(table), show);
    app.delete('/orders/:id', secure(table), show);
    answerPreflights(app);
    table.assertCovered(operationsOf(app));
    expect(unsecuredOperations(app)).toEqual([]);
    await serving(app, async (call) => {
      const ask = (origin: string, method: string) =>
        call('OPTIONS', '/orders/1', preflight(origin, method));
      expect(await ask(APP, 'GET')).toBe(`204 ${APP}`);
      expect(await ask(APP, 'HEAD')).toBe(`204 ${APP}`);
      expect(await ask(ADMIN, 'DELETE')).toBe(`204 ${ADMIN}`);
      expect(await ask(APP, 'DELETE')).toBe('403 - cors.origin_refused');
    });
  });
});

/** As a policy that authenticates describes itself. */
const authenticate = definePolicy<object, { principal: string }, 'check'>({
  name: 'authenticate',
  role: 'check',
  adds: ['principal'],
  check: () => ({ ok: true, facts: { principal: 'ann' } }),
});

test('a guard that denies every preflight, since cors comes after authentication, is not mounted', () => {
  const late = guard()
    .use(authenticate)
    .use(cors({ origins: [APP] }))
    .use(allowAnonymous());
  expect(() => secure(late)).toThrow('secure: cors comes after authenticate');
});
