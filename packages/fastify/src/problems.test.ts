import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { type AuditEvent, allowAnonymous, audit, definePolicy, deny, guard } from '@apisec/core';
import { trustProxies } from '@apisec/node';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { problems } from './problems.ts';
import { secure } from './secure.ts';

const BASE = 'https://api.example.com/problems/';

async function serve() {
  const faults: { requestId: string; cause: unknown }[] = [];
  const closed = definePolicy({
    name: 'closed',
    role: 'check',
    check: ({ url }) => (url === '/closed' ? deny('forbidden', 'shop.closed') : { ok: true }),
  });
  const answers = problems({ problemTypeBase: BASE, onFault: (fault) => faults.push(fault) });
  const app = fastify({
    bodyLimit: 100,
    frameworkErrors: answers.frameworkErrors,
    constraints: { failing },
  });
  await app.register(secure(guard().use(closed).use(allowAnonymous()), { problemTypeBase: BASE }));
  await app.register(answers);
  app.post('/orders', { schema: { body: { type: 'object' } } }, (request) => request.body);
  app.get('/orders/:id', () => 'order');
  app.get('/constrained', { constraints: { failing: 'a' } }, () => 'open');
  app.get('/closed', () => 'open');
  app.get('/throws', () => {
    throw new Error('secret at /srv/app.ts:1');
  });
  app.get('/described', (_request, reply) => {
    reply.headers({
      'content-length': '5',
      'content-encoding': 'gzip',
      'content-range': 'bytes 0-4/5',
      'content-disposition': 'attachment',
      'content-language': 'de',
      etag: '"1"',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    });
    throw new Error('secret');
  });
  onTestFinished(() => app.close());
  return { app, faults };
}

/** A constraint that Fastify must wait for, and that may fail. */
const failing = {
  name: 'failing',
  storage: () => {
    const stored = new Map<unknown, unknown>();
    return {
      get: (key: unknown) => (stored.get(key) ?? null) as never,
      set: (key: unknown, value: unknown) => void stored.set(key, value),
    };
  },
  deriveConstraint: (request: { url?: string | undefined }, _context?: unknown, done?: Done) => {
    done?.(request.url === '/constrained' ? new Error('secret') : null, 'a');
    return 'a';
  },
  validate: () => true,
};
type Done = (cause: Error | null, value: string) => void;

const json = { 'content-type': 'application/json' };
test.each<[string, string, Record<string, string>, string | undefined, number, string]>([
  ['GET', '/missing', {}, undefined, 404, 'http.not_found'],
  ['GET', '/closed', {}, undefined, 403, 'shop.closed'],
  ['GET', '/throws', {}, undefined, 500, 'handler.threw'],
  ['POST', '/orders', json, '{"secret":', 400, 'http.bad_request'],
  ['POST', '/orders', json, '["secret"]', 400, 'http.bad_request'],
  ['POST', '/orders', json, `"${'x'.repeat(200)}"`, 413, 'message.too_large'],
  ['POST', '/orders', { 'content-type': 'text/csv' }, 'a', 415, 'message.type_unsupported'],
])('%s %s %j %s: %s %s', async (method, url, headers, payload, status, code) => {
  const { app, faults } = await serve();
  const response = await app.inject({
    method: method as 'GET',
    url,
    headers: { ...headers, 'x-request-id': 'mine' },
    ...(payload !== undefined && { payload }),
  });
  expect(response.body).not.toMatch(/secret|stack|\.ts/);
  const problem = response.json<{ requestId: string }>();
  expect(problem).toMatchObject({ type: BASE + code, status, code });
  expect(response.statusCode).toBe(status);
  // Fastify names the charset of all JSON.
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json(?:;|$)/);
  expect(response.headers['x-request-id']).toBe(problem.requestId);
  expect(problem.requestId).toMatch(/^[\da-f-]{36}$/);
  expect(faults.map(({ requestId }) => requestId)).toEqual(
    status >= 500 ? [problem.requestId] : [],
  );
});

test.each([
  ['a path that is not URL-encoded', '/orders/%E0%A4%secret', 400, 'http.bad_request'],
  ['the same where no route is', '/%zz-secret', 400, 'http.bad_request'],
  [
    'a parameter longer than the router takes',
    `/orders/${'secret'.repeat(50)}`,
    414,
    'http.target_too_long',
  ],
  ['a constraint of a route that fails', '/constrained', 500, 'handler.threw'],
])('a denial by the router itself is a problem too: %s', async (_name, url, status, code) => {
  const { app, faults } = await serve();
  const response = await app.inject({ url, headers: { 'x-request-id': 'mine' } });
  expect(response.body).not.toMatch(/secret|FST_/);
  const problem = response.json<{ requestId: string }>();
  expect([response.statusCode, problem]).toMatchObject([
    status,
    { type: BASE + code, status, code },
  ]);
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json(?:;|$)/);
  expect(response.headers['x-request-id']).toBe(problem.requestId);
  expect(problem.requestId).toMatch(/^[\da-f-]{36}$/);
  expect(faults).toHaveLength(status >= 500 ? 1 : 0);
});

test("headers that describe the handler's own body are not sent with the problem", async () => {
  const { app } = await serve();
  const response = await app.inject('/described');
  expect(response.json()).toMatchObject({ status: 500, code: 'handler.threw' });
  const names = Object.keys(response.headers);
  expect(names.filter((name) => /^(?:etag|last-|content-[^lt]|content-la)/.test(name))).toEqual([]);
  expect(response.headers['content-length']).toBe(String(response.body.length));
});

test('a call has one id in its answer, its audit event and the fault, that of a trusted proxy too', async () => {
  const events: AuditEvent[] = [];
  const faults: string[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const trust = trustProxies({ proxies: 1, header: 'x-forwarded-for', requestId: true });
  for (const given of [undefined, trust]) {
    events.length = 0;
    faults.length = 0;
    const how = { problemTypeBase: BASE, ...(given && { trust: given }) };
    const app = fastify();
    const denying = definePolicy({
      name: 'closed',
      role: 'check',
      check: ({ url }) => (url === '/closed' ? deny('forbidden', 'shop.closed') : { ok: true }),
    });
    await app.register(secure(guard().use(log).use(denying).use(allowAnonymous()), how));
    await app.register(problems({ ...how, onFault: (fault) => faults.push(fault.requestId) }));
    app.get('/closed', () => 'open');
    app.get('/throws', () => {
      throw new Error('secret');
    });
    onTestFinished(() => app.close());
    const headers = { 'x-request-id': 'proxy-1', 'x-forwarded-for': '192.0.2.1' };
    for (const url of ['/closed', '/throws']) {
      const response = await app.inject({ url, headers });
      await log.flush();
      const id = response.headers['x-request-id'];
      expect(id).toMatch(given ? /^proxy-1$/ : /^[\da-f-]{36}$/);
      expect(response.json()).toMatchObject({ requestId: id });
      expect(events.at(-1)?.requestId).toBe(id);
      expect(faults).toEqual(url === '/throws' ? [id] : []);
    }
  }
});

/** What comes back for exactly these bytes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const FOLDED = 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n';

test('answers what Node does not read before Fastify hears of it', async () => {
  const codes: string[] = [];
  const { clientErrorHandler } = problems({
    problemTypeBase: BASE,
    onClientError: ({ code }) => void codes.push(code),
  });
  const app = fastify({ clientErrorHandler });
  onTestFinished(() => app.close());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const answer = await exchange((app.server.address() as AddressInfo).port, FOLDED);
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/problem\+json/);
  expect(answer).toContain(`"type":"${BASE}http.bad_request"`);
  expect(codes).toEqual(['http.bad_request']);
});
