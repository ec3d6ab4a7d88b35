import {
  type AuditEvent,
  allowAnonymous,
  audit,
  definePolicy,
  deny,
  guard,
  limitBody,
} from '@apisec/core';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { validator } from 'hono/validator';
import { expect, test } from 'vitest';
import { problems } from './problems.ts';
import { secure } from './secure.ts';

const BASE = 'https://api.example.com/problems/';

function serve() {
  const faults: { requestId: string; cause: unknown }[] = [];
  const closed = definePolicy({
    name: 'closed',
    role: 'check',
    check: ({ url }) => (url.endsWith('/closed') ? deny('forbidden', 'shop.closed') : { ok: true }),
  });
  const { notFound, onError } = problems({
    problemTypeBase: BASE,
    onFault: (fault) => faults.push(fault),
  });
  const app = new Hono().notFound(notFound).onError(onError);
  const open = guard()
    .use(closed)
    .use(limitBody({ maxBytes: 10 }))
    .use(allowAnonymous());
  app.use(secure(open, { problemTypeBase: BASE }));
  app.get('/closed', (c) => c.text('open'));
  app.post('/orders', async (c) => c.json(await c.req.json()));
  app.get('/throws', () => {
    throw new Error('secret at /srv/app.ts:1');
  });
  app.use('/described', async (c, next) => {
    await next();
    throw new Error(`secret of ${c.req.path}`);
  });
  app.get('/described', (c) =>
    c.body('12345', 200, {
      'content-length': '5',
      'content-encoding': 'gzip',
      'content-range': 'bytes 0-4/5',
      'content-disposition': 'attachment',
      'content-language': 'de',
      etag: '"1"',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    }),
  );
  app.get('/refuses', () => {
    throw new HTTPException(405, { message: 'secret' });
  });
  app.get('/own', () => {
    throw new HTTPException(409, { res: new Response('own', { status: 409 }) });
  });
  return { app, faults };
}

test.each<[string, RequestInit, number, string]>([
  ['/missing', {}, 404, 'http.not_found'],
  ['/closed', {}, 403, 'shop.closed'],
  ['/throws', {}, 500, 'handler.threw'],
  ['/refuses', {}, 405, 'http.method_not_allowed'],
  ['/orders', { method: 'POST', body: '"secret secret"' }, 413, 'body.too_large'],
])('%s %j: %s %s', async (path, init, status, code) => {
  const { app, faults } = serve();
  const headers = { 'x-request-id': 'mine', 'content-type': 'application/json' };
  const response = await app.request(path, { ...init, headers });
  const text = await response.text();
  expect(text).not.toMatch(/secret|stack|\.ts/);
  const problem = JSON.parse(text) as { requestId: string };
  expect(problem).toMatchObject({ type: BASE + code, status, code });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('x-request-id')).toBe(problem.requestId);
  expect(problem.requestId).toMatch(/^[\da-f-]{36}$/);
  expect(faults.map(({ requestId }) => requestId)).toEqual(
    status >= 500 ? [problem.requestId] : [],
  );
});

test('a response that a handler has put into its error is sent as it is', async () => {
  const response = await serve().app.request('/own');
  expect([response.status, await response.text()]).toEqual([409, 'own']);
});

test("headers that describe the handler's own body are not sent with the problem", async () => {
  const response = await serve().app.request('/described');
  expect(await response.json()).toMatchObject({ status: 500, code: 'handler.threw' });
  const names = [...response.headers.keys()];
  expect(names.filter((name) => /^(?:etag|last-|content-[^t])/.test(name))).toEqual([]);
});

test('a call has one id in its answer, its audit event and the fault, that of the platform too', async () => {
  const events: AuditEvent[] = [];
  const faults: string[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const denying = definePolicy({
    name: 'closed',
    role: 'check',
    check: ({ url }) => (url.endsWith('/closed') ? deny('forbidden', 'shop.closed') : { ok: true }),
  });
  for (const given of [undefined, 'ray-1']) {
    events.length = 0;
    faults.length = 0;
    const how = { problemTypeBase: BASE, ...(given !== undefined && { requestId: () => given }) };
    const { notFound, onError } = problems({
      ...how,
      onFault: (fault) => faults.push(fault.requestId),
    });
    const app = new Hono().notFound(notFound).onError(onError);
    app.use(secure(guard().use(log).use(denying).use(allowAnonymous()), how));
    app.get('/closed', (c) => c.text('open'));
    app.get('/throws', () => {
      throw new Error('secret');
    });
    for (const path of ['/closed', '/throws']) {
      const response = await app.request(path, { headers: { 'x-request-id': 'mine' } });
      const id = response.headers.get('x-request-id');
      expect(id).toMatch(given === undefined ? /^[\da-f-]{36}$/ : /^ray-1$/);
      expect(await response.json()).toMatchObject({ requestId: id });
      await log.flush();
      expect(events.at(-1)?.requestId).toBe(id);
      expect(faults).toEqual(path === '/throws' ? [id] : []);
    }
  }
});

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'multipart/form-data; boundary=x' };

test.each<[string, string, RequestInit, number]>([
  ['no JSON', '/json', { headers: JSON_TYPE, body: '{' }, 400],
  ['no JSON, for a validator', '/validated', { headers: JSON_TYPE, body: '{' }, 400],
  ['empty', '/json', { headers: JSON_TYPE }, 400],
  ['no form', '/form', { headers: FORM_TYPE, body: '{}' }, 400],
  ['no form, for parseBody', '/parsed', { headers: FORM_TYPE, body: '{}' }, 400],
  [
    'a form without boundary',
    '/form',
    { headers: { 'content-type': 'multipart/form-data' }, body: 'x' },
    400,
  ],
  ['JSON in the place of a form', '/form', { headers: JSON_TYPE, body: '{}' }, 415],
  [
    'JSON, and the handler cannot read something else',
    '/own',
    { headers: JSON_TYPE, body: '{}' },
    500,
  ],
  [
    'a form that the handler reads twice',
    '/twice',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
    500,
  ],
])('a body that is %s is answered with its status', async (_, path, init, status) => {
  const faults: unknown[] = [];
  const { notFound, onError } = problems({ onFault: (fault) => faults.push(fault) });
  const open = guard().use(allowAnonymous());
  for (const guarded of [false, true]) {
    const app = new Hono().notFound(notFound).onError(onError);
    if (guarded) app.use(secure(open));
    app.post('/json', async (c) => c.json(await c.req.json()));
    app.post(
      '/validated',
      validator('json', (value) => value as object),
      (c) => c.json(c.req.valid('json')),
    );
    app.post('/form', async (c) => c.json([...(await c.req.formData()).keys()]));
    app.post('/parsed', async (c) => c.json(await c.req.parseBody()));
    app.post('/own', async (c) => {
      await c.req.json();
      return c.json(JSON.parse('{') as object);
    });
    app.post('/twice', async (c) => {
      await c.req.raw.clone().text();
      await c.req.raw.text();
      return c.json([...(await c.req.formData()).keys()]);
    });
    const response = await app.request(path, { method: 'POST', ...init });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  }
  expect(faults).toHaveLength(status === 500 ? 2 : 0);
});
