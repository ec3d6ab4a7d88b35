import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  definePolicy,
  deny,
  guard,
  type HttpFacts,
  type Obligations,
  pass,
} from '@apisec/core';
import { type SecureOptions, secure, watchedUpgrade } from '@apisec/hono';
import { serve, upgradeWebSocket } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const obliged = (obligations: Obligations) =>
  guard<HttpFacts>()
    .use(definePolicy({ name: 'obliged', role: 'check', always: obligations, check: () => pass() }))
    .use(allowAnonymous());

const one = () =>
  guard<HttpFacts>()
    .use(concurrencyLimit({ limit: 1, by: () => 'everybody' }))
    .use(allowAnonymous());

/** A server whose sockets answer what they are sent, behind one guard, with what operators heard. */
async function socketsBehind(admission: ReturnType<typeof obliged>, options: SecureOptions = {}) {
  const faults: unknown[] = [];
  const opened = vi.fn<() => void>();
  const app = new Hono();
  app.use(secure(admission, { onFault: (cause) => faults.push(cause), ...options }));
  app.get(
    '/socket',
    upgradeWebSocket(() => {
      opened();
      return { onMessage: ({ data }, socket) => socket.send(data as string) };
    }),
  );
  const watched = watchedUpgrade(upgradeWebSocket);
  app.get(
    '/watched',
    watched(() => ({})),
  );
  app.get('/plain', (c) => c.text('plain'));
  const sockets = new WebSocketServer({ noServer: true });
  const server = serve({
    fetch: app.fetch,
    port: 0,
    hostname: '127.0.0.1',
    // Their types differ by an `undefined` that `exactOptionalPropertyTypes` tells apart.
    websocket: { server: sockets as never },
    createServer,
  });
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** The status of the handshake: 101 with the socket, or that of the denial. */
  const open = (path = '/socket'): Promise<{ status: number; socket: WebSocket }> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      closing.push(() => socket.terminate());
      socket.once('open', () => resolve({ status: 101, socket }));
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, socket });
      });
      socket.once('error', reject);
    });
  return { open, faults, opened, port };
}

describe('a WebSocket on Node', () => {
  test('is decided before its upgrade, and works once it is admitted', async () => {
    const { open, opened } = await socketsBehind(obliged({}));
    const { status, socket } = await open();
    expect([status, opened.mock.calls.length]).toEqual([101, 1]);
    socket.send('hello');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.toString()).toBe('hello');
  });

  test('is not opened for a call that is denied', async () => {
    const closed = guard<HttpFacts>()
      .use(definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'a.closed') }))
      .use(allowAnonymous());
    const { open, opened } = await socketsBehind(closed);
    expect((await open()).status).toBe(403);
    expect(opened).not.toHaveBeenCalled();
  });

  test('holds its place until it closes', async () => {
    const { open, port } = await socketsBehind(one());
    const first = await open();
    expect(first.status).toBe(101);
    expect((await open()).status).toBe(429);
    expect((await fetch(`http://127.0.0.1:${port}/plain`)).status).toBe(429);
    first.socket.close();
    await vi.waitFor(async () => expect((await open()).status).toBe(101), { timeout: 10_000 });
  });

  test('holds its place where it is opened by watchedUpgrade as well', async () => {
    const { open } = await socketsBehind(one());
    const first = await open('/watched');
    expect([first.status, (await open('/watched')).status]).toEqual([101, 429]);
    first.socket.close();
    await vi.waitFor(async () => expect((await open('/watched')).status).toBe(101), {
      timeout: 10_000,
    });
  });

  test('gives its place back where it is cut', async () => {
    const { open } = await socketsBehind(one());
    const { status, socket } = await open();
    expect(status).toBe(101);
    socket.terminate();
    await vi.waitFor(async () => expect((await open()).status).toBe(101), { timeout: 10_000 });
  });

  test('gives its place back where the upgrade does not come about', async () => {
    const { open, port } = await socketsBehind(one());
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    const plain = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = send({ port, host: '127.0.0.1', path: '/plain', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on('error', reject).end();
    });
    expect(plain).toBe(200);
    await vi.waitFor(async () => expect((await open()).status).toBe(101), { timeout: 10_000 });
  });

  test('ends for audit when it closes, once', async () => {
    const endings: Completion[] = [];
    const { open } = await socketsBehind(obliged({ onComplete: (end) => void endings.push(end) }));
    const { socket } = await open();
    expect(endings).toEqual([]);
    socket.close();
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings[0]).toMatchObject({ outcome: 'succeeded', status: 101 });
  });

  test('ends with its credential, where that is asked for', async () => {
    const endings: Completion[] = [];
    const policy = guard<HttpFacts>()
      .use(
        definePolicy({
          name: 'expiring',
          role: 'check',
          always: { onComplete: (end) => void endings.push(end) },
          check: () => pass({ authentication: { expiresAt: Date.now() + 100 } }),
        }),
      )
      .use(allowAnonymous());
    const { open } = await socketsBehind(policy, { endWithToken: true });
    const { socket } = await open();
    const [status, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([status, reason.toString()]).toEqual([1008, 'credentials.expired']);
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings).toMatchObject([
      { outcome: 'denied', status: 101, denial: { code: 'credentials.expired' } },
    ]);
  });

  test.each<[string, Obligations, string]>([
    ['a filter', { onRelease: () => ({ ok: true }) }, 'release.unfilterable'],
    ['an inspection of bodies', { onMessage: () => ({ ok: true }) }, 'message.unavailable'],
  ])('is not opened behind %s, which would never see its messages', async (_name, duty, code) => {
    const { open, faults, opened } = await socketsBehind(obliged(duty));
    expect((await open()).status).toBe(500);
    expect(opened).not.toHaveBeenCalled();
    expect(faults).toMatchObject([{ code }]);
  });
});
