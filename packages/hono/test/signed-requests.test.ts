import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeSignedBodies, SIGNED_BODY_BYTES } from '@apisec/conformance/signed-bodies';
import {
  allowAuthenticated,
  authenticateSignature,
  factsOf,
  guard,
  type HttpFacts,
  type RawBodyFacts,
  type SignRequestOptions,
  signRequest,
} from '@apisec/core';
import { secure } from '@apisec/hono';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

const key = crypto.getRandomValues(new Uint8Array(32));
const signing: SignRequestOptions = { keyid: 'partner', algorithm: 'hmac-sha256', key };
const keys = { partner: { algorithm: 'hmac-sha256', key, subject: 'acme' } } as const;

const server = createServer();
let base = '';

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signed = guard<HttpFacts & RawBodyFacts>()
    .use(authenticateSignature({ publicOrigin: base, keys }))
    .use(allowAuthenticated());
  const app = new Hono();
  app.use('/early', async (c, next) => {
    await c.req.json();
    await next();
  });
  app.use(secure(signed, { rawBody: true, maxBodyBytes: 1_000 }));
  app.all('*', async (c) => {
    const { subject } = factsOf(c, signed).principal;
    return c.json({ subject, body: await c.req.text() });
  });
  const listener = getRequestListener(app.fetch);
  server.on('request', (incoming, outgoing) => void listener(incoming, outgoing));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const post = (body: string, path = '/orders?page=1') =>
  signRequest(new Request(base + path, { method: 'POST', body }), signing);

/** Sends bytes of its own choice under the headers of a signed request. */
function sendAs(signed: Request, body: string, path = '/orders?page=1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(signed.headers);
    send(base + path, { method: signed.method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end(body);
  });
}

test('a signed call arrives with its body and its caller', async () => {
  const response = await fetch(await post('{"total":1}'));
  expect(await response.json()).toEqual({ subject: 'acme', body: '{"total":1}' });
  const read = await fetch(await signRequest(new Request(`${base}/orders`), signing));
  expect(await read.json()).toEqual({ subject: 'acme', body: '' });
});

test('a body that earlier middleware has read is still the one that was signed', async () => {
  const response = await fetch(await post('{"total": 1}', '/early'));
  expect(await response.json()).toEqual({ subject: 'acme', body: '{"total": 1}' });
});

test('a request that is changed on the way is denied', async () => {
  expect(await sendAs(await post('{"total":1}'), '{"total":1}')).toBe(200);
  expect(await sendAs(await post('{"total":1}'), '{"total":9}')).toBe(401);
  expect(await sendAs(await post('{"total":1}'), '{"total":1}', '/orders?page=2')).toBe(401);
  expect(await sendAs(await post('{"total":1}'), '')).toBe(401);
});

test('exactly one of many equal calls arrives', async () => {
  const signed = await post('{"total":1}');
  const sent = Array.from({ length: 12 }, () => sendAs(signed, '{"total":1}'));
  const statuses = await Promise.all(sent);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(11);
});

test('an unsigned call is answered with how to sign, and a large body is not read to its end', async () => {
  const response = await fetch(`${base}/orders`);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Signature realm="api"');
  expect((await fetch(await post('x'.repeat(1_001)))).status).toBe(413);
});

describeSignedBodies({
  name: 'Hono on Node',
  start: async (admission) => {
    const app = new Hono();
    app.use(secure(admission, { rawBody: true, maxBodyBytes: SIGNED_BODY_BYTES }));
    app.post('/orders', async (c) => {
      const { rawBody, principal } = factsOf(c, admission);
      const isJson = c.req.header('content-type') === 'application/json';
      const body: unknown = isJson ? await c.req.json() : await c.req.text();
      return c.json({ body, bytes: rawBody.byteLength, subject: principal.subject });
    });
    const listener = getRequestListener(app.fetch);
    const own = createServer((request, response) => void listener(request, response));
    onTestFinished(() => {
      own.closeAllConnections();
      own.close();
    });
    await once(own.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
  },
});
