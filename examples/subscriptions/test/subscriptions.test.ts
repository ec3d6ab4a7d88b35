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

async function clientFor(scope: string | undefined, subject = 'ann') {
  const { port } = server.address() as AddressInfo;
  const token = scope === undefined ? undefined : await issuer.token({ scope, sub: subject });
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

test('a caller who may read prices gets each of them, without what only traders see', async () => {
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

const ALERTS = 'subscription { alerts { symbol below } }';
const SET = 'mutation { setAlert(symbol: "OAK", below: 90) { symbol } }';

test('an alert reaches only the caller who set it', async () => {
  const [ann, bob] = await Promise.all(
    ['ann', 'bob'].map((name) => clientFor('alerts:read alerts:write', name)),
  );
  if (!ann || !bob) throw new Error('there are no clients');
  const [own, other] = [ann, bob].map((each) => each.iterate({ query: ALERTS }));
  const first = own?.next();
  const none = other?.next();
  // Until both of them listen.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await firstOf(ann, SET, 1)).toEqual([{ data: { setAlert: { symbol: 'OAK' } } }]);
  expect((await first)?.value).toEqual({ data: { alerts: { symbol: 'OAK', below: 90 } } });
  await firstOf(bob, SET.replace('90', '80'), 1);
  expect((await none)?.value).toEqual({ data: { alerts: { symbol: 'OAK', below: 80 } } });
  await Promise.all([own?.return?.(), other?.return?.()]);
  await Promise.all([ann.dispose(), bob.dispose()]);
});

test('history is as long as an operation may cost', async () => {
  const client = await clientFor('prices:read');
  const history = (last: number) =>
    firstOf(client, `{ history(symbol: "TEA", last: ${last}) { cents } }`, 1);
  const [{ data }] = await history(3);
  expect(data.history).toEqual([{ cents: 100 }, { cents: 99 }, { cents: 98 }]);
  await expect(history(1_000)).rejects.toMatchObject([
    { extensions: { reason: 'operation.too_costly' } },
  ]);
  await client.dispose();
});

test('the same is served over server-sent events', async () => {
  const { port } = server.address() as AddressInfo;
  const ask = async (scope: string | undefined) => {
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/graphql/stream`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(scope !== undefined && { authorization: `Bearer ${await issuer.token({ scope })}` }),
      },
      body: JSON.stringify({ query: WATCH }),
      signal: abort.signal,
    });
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('"cents":101') || response.status !== 200) break;
      }
    } finally {
      abort.abort();
    }
    return { status: response.status, text };
  };
  expect((await ask(undefined)).status).toBe(401);
  const { status, text } = await ask('prices:read');
  expect([status, text.includes('{"symbol":"TEA","cents":101,"margin":null}')]).toEqual([
    200,
    true,
  ]);
  expect((await fetch(`http://127.0.0.1:${port}/graphql/other`)).status).toBe(404);
});

const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

test.each([
  ['the schema', '{ __schema { types { name } } }', 'operation.unlisted'],
  [
    'alerts without their scope, beside prices',
    'subscription { ...F } fragment F on Subscription { a: alerts { id } }',
    'scope.insufficient',
  ],
  ['aliases of one field', `{ ${times(6, (at) => `a${at}: symbols`)} }`, 'operation.over_limit'],
  [
    'a page that is too long, in a variable with a default',
    'query ($n: Int = 100000) { history(symbol: "TEA", last: $n) { cents } }',
    'operation.too_costly',
  ],
  [
    'fragments that double with each step',
    `subscription { price(symbol: "TEA") { ...F0 } } ${times(20, (at) => `fragment F${at} on Price { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Price { cents }`,
    'document.too_complex',
  ],
  [
    'more errors than anybody reads',
    `{ ${times(21, (at) => `n${at}`)} }`,
    'document.too_many_errors',
  ],
  ['brackets without an end', '{'.repeat(90_000), 'document.too_deep'],
])('a socket is denied %s, and lives on', async (_, query, reason) => {
  const client = await clientFor('prices:read');
  await expect(firstOf(client, query, 1)).rejects.toMatchObject([{ extensions: { reason } }]);
  expect((await firstOf(client, '{ symbols }', 1))[0].data.symbols).toEqual(['TEA', 'OAK']);
  await client.dispose();
});

test('a type is guarded in queries and subscriptions, and fields of it in each event', async () => {
  const buyer = await clientFor('prices:read trades:read trades:write', 'ann');
  const watcher = await clientFor('prices:read trades:read', 'bob');
  const reader = await clientFor('prices:read', 'eve');
  const WATCHING = 'subscription { trades(symbol: "TEA") { cents buyer } }';
  const [seen, hidden] = [watcher, reader].map((each) => each.iterate({ query: WATCHING }));
  const event = seen?.next();
  const denied = hidden?.next();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await firstOf(buyer, 'mutation { buy(symbol: "TEA") { cents } }', 1);
  expect((await event)?.value.data).toEqual({ trades: { cents: 100, buyer: null } });
  // Denied when it subscribes, before anything is listened to.
  expect((await denied)?.value).toMatchObject({
    errors: [{ extensions: { reason: 'scope.insufficient' } }],
  });
  const [{ data }] = await firstOf(reader, '{ lastTrade(symbol: "TEA") { cents } }', 1);
  expect(data).toEqual({ lastTrade: null });
  await seen?.return?.();
  for (const each of [buyer, watcher, reader]) await each.dispose();
});

test("another caller's alert is not read by its id", async () => {
  const scope = 'alerts:read alerts:write';
  const [ann, mallory] = await Promise.all([clientFor(scope), clientFor(scope, 'mallory')]);
  const set = 'mutation { setAlert(symbol: "OAK", below: 70) { id } }';
  const { id } = (await firstOf(ann, set, 1))[0].data.setAlert;
  const query = `{ alert(id: "${id}") { below } }`;
  expect((await firstOf(ann, query, 1))[0].data).toEqual({ alert: { below: 70 } });
  expect((await firstOf(mallory, query, 1))[0].data).toEqual({ alert: null });
  await Promise.all([ann.dispose(), mallory.dispose()]);
});

test('a stream is not opened by a request for another origin, or by one that is too large', async () => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql/stream`;
  const authorization = `Bearer ${await issuer.token({ scope: 'prices:read alerts:write' })}`;
  const post = async (type: string, body: string) => {
    const headers = { authorization, accept: 'text/event-stream', 'content-type': type };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
  expect(await post('text/plain', JSON.stringify({ query: SET }))).toBe(415);
  expect(await post('application/json', JSON.stringify({ query: '#'.repeat(200_000) }))).toBe(413);
  const got = await fetch(`${url}?query=${encodeURIComponent(SET)}`, {
    headers: { authorization, accept: 'text/event-stream' },
  });
  expect(got.status).toBe(405);
});
