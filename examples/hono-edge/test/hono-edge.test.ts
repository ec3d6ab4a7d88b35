import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discoverIssuer } from '@apisec/core';
import { serve } from '@hono/node-server';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../src/app.ts';
import worker from '../src/worker.ts';

let issuer: TestIssuer;
let server: Server;

beforeAll(async () => {
  issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  const { fetch } = createApp({ issuer: issuer.issuer, audience: AUDIENCE, keys });
  await new Promise<void>((resolve) => {
    // Without options for another protocol it is an HTTP/1.1 server.
    server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve()) as Server;
  });
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await issuer.close();
});

async function call(path: string, headers: Record<string, string> = {}, init: RequestInit = {}) {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers });
  const text = await response.text();
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

const bearer = async (claims: Parameters<TestIssuer['token']>[0]) => ({
  authorization: `Bearer ${await issuer.token(claims)}`,
});
const put = (item: string): RequestInit => ({ method: 'PUT', body: JSON.stringify({ item }) });

test('an order is put and read by its owner, and by nobody else', async () => {
  const alice = await bearer({ scope: 'orders:read orders:write' });
  expect(await call('/orders/7', alice, put('tea'))).toMatchObject({ status: 200 });
  expect(await call('/orders/7', alice)).toMatchObject({ status: 200, body: { item: 'tea' } });
  const mallory = await bearer({ sub: 'mallory', scope: 'orders:read orders:write' });
  expect(await call('/orders/7', mallory)).toMatchObject({ status: 404 });
  expect(await call('/orders/7', mallory, put('poison'))).toMatchObject({ status: 404 });
});

test.each([
  ['no token', undefined, 401, 'credentials.missing'],
  ['a token that is none', 'Bearer none', 401, 'token.malformed'],
])('with %s nobody reads', async (_name, authorization, status, code) => {
  const denied = await call('/orders/7', authorization === undefined ? {} : { authorization });
  expect(denied).toMatchObject({ status, body: { code } });
  expect(denied.headers.get('www-authenticate')).toContain('Bearer');
});

test('a caller who may only read cannot write', async () => {
  const reader = await bearer({ scope: 'orders:read' });
  expect(await call('/orders/8', reader, put('tea'))).toMatchObject({
    status: 403,
    body: { code: 'scope.insufficient' },
  });
});

test('a preflight is answered for the one origin that may call', async () => {
  const asks = { 'access-control-request-method': 'PUT' };
  const preflight = { method: 'OPTIONS' };
  const own = await call('/orders/7', { ...asks, origin: 'https://app.example.com' }, preflight);
  expect(own.status).toBe(204);
  expect(own.headers.get('access-control-allow-methods')).toBe('GET, PUT');
  const evil = await call('/orders/7', { ...asks, origin: 'https://evil.example' }, preflight);
  expect(evil).toMatchObject({ status: 403, body: { code: 'cors.origin_refused' } });
});

test('the worker takes its issuer from the runtime, and no token of another one', async () => {
  const env = { ISSUER: 'https://id.example.invalid', AUDIENCE };
  const health = await worker.fetch(new Request('https://api.example.com/health'), env);
  expect(health.status).toBe(200);
  const request = new Request('https://api.example.com/orders/7', {
    headers: await bearer({ scope: 'orders:read' }),
  });
  expect((await worker.fetch(request, env)).status).toBe(401);
});
