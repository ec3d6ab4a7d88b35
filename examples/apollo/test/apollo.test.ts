import { discoverIssuer } from '@apisec/core';
import type { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServer } from '../src/server.ts';

let issuer: TestIssuer;
let server: ApolloServer;
let url: string;

beforeAll(async () => {
  issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  server = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys });
  ({ url } = await startStandaloneServer(server, {
    context: async ({ req }) => ({ req }),
    listen: { port: 0, host: '127.0.0.1' },
  }));
});

afterAll(async () => {
  await server.stop();
  await issuer.close();
});

async function call(query: string, scope?: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(scope !== undefined && { authorization: `Bearer ${await issuer.token({ scope })}` }),
    },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const PLACE = 'mutation { placeOrder(item: "tea") { item } }';
const READ = '{ orders { item customer { name email } } }';
const denial = (code: string, reason: string) => ({ errors: [{ extensions: { code, reason } }] });

test('an order is placed and read', async () => {
  expect(await call(PLACE, 'orders:write')).toMatchObject({
    status: 200,
    body: { data: { placeOrder: { item: 'tea' } } },
  });
  expect(await call(READ, 'orders:read pii:read')).toMatchObject({
    body: { data: { orders: [{ item: 'tea', customer: { email: 'alice@example.com' } }] } },
  });
});

test('without its scope a private field is null, and the rest of the answer stands', async () => {
  const { status, body } = await call(READ, 'orders:read');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    data: { orders: [{ item: 'tea', customer: { name: 'alice', email: null } }] },
    ...denial('FORBIDDEN', 'scope.insufficient'),
  });
});

test('without a token nobody reads', async () => {
  const { status, headers, body } = await call(READ);
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toContain('Bearer');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(body).toMatchObject(denial('UNAUTHENTICATED', 'credentials.missing'));
});

test('who may read may not write, under no alias and in no fragment', async () => {
  const hidden = 'mutation { ...F } fragment F on Mutation { a: placeOrder(item: "x") { id } }';
  for (const query of [PLACE, hidden]) {
    expect(await call(query, 'orders:read')).toMatchObject({
      status: 403,
      body: denial('FORBIDDEN', 'scope.insufficient'),
    });
  }
});

test('introspection is denied, since nobody listed it', async () => {
  expect(await call('{ __schema { types { name } } }', 'orders:read')).toMatchObject({
    status: 403,
    body: denial('FORBIDDEN', 'operation.unlisted'),
  });
});
