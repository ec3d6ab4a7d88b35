import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discoverIssuer } from '@apisec/core';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createServer } from '../src/server.ts';

let issuer: TestIssuer;
let server: Server;

beforeAll(async () => {
  issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  server = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await issuer.close();
});

async function clientFor(scope: string | undefined) {
  const { port } = server.address() as AddressInfo;
  const token = scope === undefined ? undefined : await issuer.token({ scope });
  return createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(token !== undefined && { connectionParams: { authorization: `Bearer ${token}` } }),
  });
}

/** The first events of a subscription. */
async function firstOf(client: ReturnType<typeof createClient>, query: string, count: number) {
  const events: any[] = [];
  for await (const event of client.iterate({ query })) {
    if (events.push(event) === count) break;
  }
  return events;
}

const WATCH = 'subscription { price(symbol: "TEA") { symbol cents margin } }';

test('whoever may read prices gets each of them, without what only traders see', async () => {
  const client = await clientFor('prices:read');
  const events = await firstOf(client, WATCH, 2);
  expect(events.map(({ data }) => data.price)).toEqual([
    { symbol: 'TEA', cents: 100, margin: null },
    { symbol: 'TEA', cents: 101, margin: null },
  ]);
  await client.dispose();
});

test('traders see all of it', async () => {
  const client = await clientFor('prices:read prices:margin');
  expect((await firstOf(client, WATCH, 1))[0].data.price.margin).toBe(0.2);
  await client.dispose();
});

test('strangers are disconnected', async () => {
  const client = await clientFor(undefined);
  await expect(firstOf(client, WATCH, 1)).rejects.toMatchObject({ code: 4403 });
});

test('one caller has three subscriptions at once', async () => {
  const client = await clientFor('prices:read');
  const open = Array.from({ length: 3 }, () => client.iterate({ query: WATCH }));
  await Promise.all(open.map((each) => each.next()));
  await expect(firstOf(client, WATCH, 1)).rejects.toMatchObject([
    { extensions: { reason: 'limit.concurrency' } },
  ]);
  await Promise.all(open.map(async (each) => each.return?.()));
  await client.dispose();
});
