import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HttpFacts,
  type Obligations,
  pass,
} from '@apisec/core';
import { type SecureOptions, secure } from '@apisec/fastify';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';

/** With `lastsMs` the credential expires so long after it was shown. */
const policyOf = (obligations: Obligations, lastsMs?: number) =>
  guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'obliged',
        role: 'check',
        always: obligations,
        check: () =>
          pass(
            lastsMs === undefined ? {} : { authentication: { expiresAt: Date.now() + lastsMs } },
          ),
      }),
    )
    .use(allowAnonymous());

/** A server whose sockets echo, behind one guard. */
async function serve(admission: ReturnType<typeof policyOf>, options: SecureOptions = {}) {
  const faults: unknown[] = [];
  const opened = vi.fn<(operation: string) => void>();
  const app = Fastify();
  await app.register(websocket);
  await app.register(secure(admission, { onFault: (cause) => faults.push(cause), ...options }));
  app.get('/rooms/:id', { websocket: true }, (socket, request) => {
    opened(factsOf(request, admission).call.operation);
    socket.on('message', (data: Buffer) => socket.send(data));
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const sockets: WebSocket[] = [];
  onTestFinished(async () => {
    for (const socket of sockets) socket.terminate();
    await app.close();
  });
  const dial = (): Promise<{ status: number; socket: WebSocket }> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/rooms/1`);
      sockets.push(socket);
      socket.once('open', () => resolve({ status: 101, socket }));
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, socket });
      });
      socket.once('error', reject);
    });
  return { dial, faults, opened };
}

describe('a WebSocket', () => {
  test('is decided by its route before the upgrade, and works once it is admitted', async () => {
    const { dial, opened } = await serve(policyOf({}));
    const { status, socket } = await dial();
    expect(status).toBe(101);
    socket.send('hello');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.toString()).toBe('hello');
    expect(opened.mock.calls).toEqual([['GET /rooms/:id']]);
  });

  test('is not opened for a call that is denied', async () => {
    const closed = guard<HttpFacts>()
      .use(definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'a.closed') }))
      .use(allowAnonymous());
    const { dial, opened } = await serve(closed);
    expect((await dial()).status).toBe(403);
    expect(opened).not.toHaveBeenCalled();
  });

  test('holds its place until it closes', async () => {
    const one = guard<HttpFacts>()
      .use(concurrencyLimit({ limit: 1, by: () => 'everybody' }))
      .use(allowAnonymous());
    const { dial } = await serve(one);
    const first = await dial();
    expect(first.status).toBe(101);
    expect((await dial()).status).toBe(429);
    first.socket.terminate();
    await vi.waitFor(async () => expect((await dial()).status).toBe(101), { timeout: 10_000 });
  });

  test('ends for audit when it closes, once', async () => {
    const endings: Completion[] = [];
    const { dial } = await serve(policyOf({ onComplete: (end) => void endings.push(end) }));
    const { socket } = await dial();
    expect(endings).toEqual([]);
    socket.close();
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings[0]).toMatchObject({ outcome: 'succeeded', status: 101 });
  });

  test.each<[string, Obligations, string]>([
    ['a filter', { onRelease: () => ({ ok: true }) }, 'release.unfilterable'],
    ['an inspection of bodies', { onMessage: () => ({ ok: true }) }, 'message.unavailable'],
  ])('is not opened behind %s, which would never see its messages', async (_name, duty, code) => {
    const { dial, faults, opened } = await serve(policyOf(duty));
    expect((await dial()).status).toBe(500);
    expect(opened).not.toHaveBeenCalled();
    expect(faults).toMatchObject([{ code }]);
  });

  test('ends with its credential, where that is asked for', async () => {
    const endings: Completion[] = [];
    const duty = { onComplete: (end: Completion) => void endings.push(end) };
    const { dial } = await serve(policyOf(duty, 100), { endWithToken: true });
    const { socket } = await dial();
    const [status, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([status, reason.toString()]).toEqual([1008, 'credentials.expired']);
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings).toMatchObject([
      { outcome: 'denied', status: 101, denial: { code: 'credentials.expired' } },
    ]);
  });
});
