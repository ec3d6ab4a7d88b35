import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discoverIssuer } from '@apisec/core';
import { unsecuredOperations } from '@apisec/express';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../src/server.ts';

let issuer: TestIssuer;
let server: Server;
let app: ReturnType<typeof createApp>;

beforeAll(async () => {
  issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  app = createApp({ issuer: issuer.issuer, audience: AUDIENCE, keys });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await issuer.close();
});

async function call(path: string, token?: string, init: RequestInit = {}) {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
  const text = await response.text();
  const body: unknown = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

const place = (item: string): RequestInit => ({ method: 'POST', body: JSON.stringify({ item }) });

test('an order is placed, and read by the one who placed it', async () => {
  const token = await issuer.token({ scope: 'orders:read orders:write' });
  const placed = await call('/orders', token, place('tea'));
  expect(placed).toMatchObject({ status: 201, body: { item: 'tea' } });
  const { id } = placed.body as { readonly id: string };
  expect(await call(`/orders/${id}`, token)).toMatchObject({ status: 200, body: { id } });
  expect(await call('/orders', token)).toMatchObject({ status: 200, body: [{ id }] });

  const mallory = await issuer.token({ sub: 'mallory', scope: 'orders:read' });
  expect(await call(`/orders/${id}`, mallory)).toMatchObject({ status: 404 });
  expect(await call('/orders', mallory)).toMatchObject({ status: 200, body: [] });
});

test('without a token nobody comes in, and learns what is missing', async () => {
  const denied = await call('/orders');
  expect(denied).toMatchObject({ status: 401, body: { code: 'credentials.missing' } });
  expect(denied.headers.get('www-authenticate')).toContain('Bearer');
  expect(denied.headers.get('x-content-type-options')).toBe('nosniff');
});

test('a caller who may only read cannot write', async () => {
  const token = await issuer.token({ scope: 'orders:read' });
  expect(await call('/orders', token, place('tea'))).toMatchObject({
    status: 403,
    body: { code: 'scope.insufficient' },
  });
});

test('a token signed by somebody else is denied', async () => {
  const [header, payload] = (await issuer.token({ scope: 'orders:read' })).split('.');
  const [, , signature] = (await issuer.token({ sub: 'mallory' })).split('.');
  expect(await call('/orders', `${header}.${payload}.${signature}`)).toMatchObject({
    status: 401,
    body: { code: 'token.signature_invalid' },
  });
});

test('one caller over the limit is denied, and others are not', async () => {
  const greedy = await issuer.token({ sub: 'greedy', scope: 'orders:read' });
  const calls = await Promise.all(Array.from({ length: 60 }, () => call('/orders', greedy)));
  expect(calls.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  const modest = await issuer.token({ sub: 'modest', scope: 'orders:read' });
  expect(await call('/orders', modest)).toMatchObject({ status: 200 });
});

test('no route is without a guard', () => {
  expect(unsecuredOperations(app)).toEqual([]);
});
