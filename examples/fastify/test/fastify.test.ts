import { discoverIssuer } from '@apisec/core';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../src/server.ts';

let issuer: TestIssuer;
let app: FastifyInstance;
let url: string;

function create(): Promise<FastifyInstance> {
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  return createApp({ issuer: issuer.issuer, audience: AUDIENCE, keys });
}

beforeAll(async () => {
  issuer = await startIssuer();
  app = await create();
  url = await app.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await app.close();
  await issuer.close();
});

async function call(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(`${url}${path}`, { method, headers });
  const text = await response.text();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body };
}

const bearer = async (claims: Parameters<TestIssuer['token']>[0]) => ({
  authorization: `Bearer ${await issuer.token(claims)}`,
});

test('health is open', async () => {
  expect(await call('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('a reader reads, and the handler knows who it is', async () => {
  expect(await call('/orders', await bearer({ scope: 'orders:read' }))).toMatchObject({
    status: 200,
    body: { for: 'alice' },
  });
});

test('without a token nobody reads', async () => {
  expect(await call('/orders')).toMatchObject({
    status: 401,
    body: { code: 'credentials.missing' },
  });
});

test('an order is cancelled with the scope or with the role, and with neither it is not', async () => {
  const reader = await bearer({ scope: 'orders:read' });
  expect(await call('/orders/1', reader, 'DELETE')).toMatchObject({ status: 403 });
  const writer = await bearer({ scope: 'orders:write' });
  expect(await call('/orders/1', writer, 'DELETE')).toMatchObject({ status: 204 });
  const support = await bearer({ roles: ['support'] });
  expect(await call('/orders/2', support, 'DELETE')).toMatchObject({ status: 204 });
});

test('a preflight is answered for the one origin that may call', async () => {
  const asks = { 'access-control-request-method': 'DELETE' };
  const own = await call('/orders/1', { ...asks, origin: 'https://app.example.com' }, 'OPTIONS');
  expect(own.status).toBe(204);
  expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  const evil = await call('/orders/1', { ...asks, origin: 'https://evil.example' }, 'OPTIONS');
  expect(evil.status).toBe(403);
  expect(evil.headers.get('access-control-allow-origin')).toBeNull();
});

test('a path that nobody listed is denied, not found or not', async () => {
  expect(await call('/admin')).toMatchObject({ status: 403, body: { code: 'operation.unlisted' } });
});

test('a route that nobody listed keeps the server from starting', async () => {
  const forgetful = await create();
  forgetful.get('/debug', () => ({ secrets: 'all' }));
  await expect(forgetful.ready()).rejects.toThrow('served but not listed: GET /debug');
  await forgetful.close();
});
