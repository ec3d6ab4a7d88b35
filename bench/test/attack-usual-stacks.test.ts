import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { secure } from '@apisec/express';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { usualHandlers } from '../src/servers/hosts/express.ts';
import { useUsual as useUsualFastify } from '../src/servers/hosts/fastify.ts';
import { policyOf } from '../src/servers/policy.ts';
import { useUsual as useUsualHono } from '../src/servers/usual-hono.ts';
import { createWorld, type World } from '../src/servers/world.ts';
import { attackFound } from './attack-found.ts';

// What docs/comparison.md says `apisec attack` finds on the usual stacks, in the versions installed here.

const LIMIT = 60;
const ends: (() => unknown)[] = [];
let world: World;

beforeAll(async () => {
  const port = await listen((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [world.jwk] }));
  });
  // Nothing here writes an audit trail.
  const addresses = { jwksUri: `http://127.0.0.1:${port}/jwks`, auditFile: '' };
  world = await createWorld(addresses, 1);
});
afterAll(async () => {
  for (const end of ends) await end();
});

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  ends.push(() => server.close());
  await once(server, 'listening');
  // It listens over TCP, so its address has a port.
  return (server.address() as AddressInfo).port;
}

/** The attacks that got through, each with what it showed. */
function found(port: number, token: string): Promise<Readonly<Record<string, string>>> {
  return attackFound(`http://127.0.0.1:${port}/orders`, token, ['--burst', `${2 * LIMIT}`]);
}

test('apisec attack: helmet, cors, express-oauth2-jwt-bearer and express-rate-limit on Express', async () => {
  // In production Express answers no stack trace, but prints each error.
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  ends.push(() => printed.mockRestore());
  const app = express().set('env', 'production');
  for (const handler of usualHandlers(world, LIMIT)) app.use(handler);
  app.use(express.json());
  app.all('/orders', (_request, response) => void response.json({}));
  expect(await found(await listen(app), world.tokens[0] ?? '')).toEqual({
    'token.twice': 'A call with two Authorization headers is answered with 200.',
    'token.query': 'A token in the query is answered with 200.',
  });
});

test('apisec attack: @fastify/helmet, cors, jwt and rate-limit on Fastify', async () => {
  const app = Fastify();
  ends.push(() => app.close());
  await useUsualFastify(app, world, false, LIMIT);
  app.all('/orders', () => ({}));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  expect(await found(Number(new URL(url).port), world.tokens[0] ?? '')).toEqual({
    'token.twice': 'A call with two Authorization headers is answered with 200.',
  });
});

test('apisec attack: secure-headers, cors, jwk and hono-rate-limiter on Hono', async () => {
  const app = new Hono();
  useUsualHono(app, world, LIMIT);
  app.all('/orders', (c) => c.json({}));
  const listener = getRequestListener(app.fetch);
  const port = await listen((incoming, outgoing) => void listener(incoming, outgoing));
  expect(await found(port, world.plainTokens[0] ?? '')).toEqual({});
});

test('apisec attack: one guard of apisec on Express', async () => {
  const app = express();
  app.use(secure(policyOf(world, 'apisec', LIMIT)));
  app.all('/orders', (_request, response) => void response.json({}));
  expect(await found(await listen(app), world.tokens[0] ?? '')).toEqual({});
});
