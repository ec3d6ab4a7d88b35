import { once } from 'node:events';
import { createServer, IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import {
  type Admission,
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HttpFacts,
  logDenials,
  type Obligations,
  pass,
} from '@apisec/core';
import { type SecureUpgradesOptions, secureUpgrades } from '@apisec/node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { exchange } from './servers.ts';

const open = guard<HttpFacts>().use(allowAnonymous());

const obliged = (obligations: Obligations) =>
  guard<HttpFacts>()
    .use(definePolicy({ name: 'obliged', role: 'check', always: obligations, check: () => pass() }))
    .use(allowAnonymous());

/** Everybody's credential expires so many milliseconds after it was shown. */
const expiring = (afterMs: number) =>
  guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'expiring',
        role: 'check',
        check: () => pass({ authentication: { expiresAt: Date.now() + afterMs } }),
      }),
    )
    .use(allowAnonymous());

/** A guard that answers once `during` is done. */
const waiting = (during: () => Promise<unknown>) =>
  guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'waiting',
        role: 'check',
        check: async () => {
          await during();
          return pass();
        },
      }),
    )
    .use(allowAnonymous());

const closed = guard<HttpFacts>()
  .use(definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'a.closed') }))
  .use(allowAnonymous());

interface Opened {
  readonly status: number;
  readonly socket: WebSocket;
  readonly body: string;
}

/** A server of one test whose sockets echo; its `ws` is attached before the guard, as the worst case. */
async function serve(
  admission: Admission<HttpFacts, object>,
  options: SecureUpgradesOptions = {},
  handler?: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const faults: unknown[] = [];
  const connected = vi.fn<(request: IncomingMessage) => void>();
  const server = createServer(handler);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    connected(request);
    socket.on('error', () => undefined);
    socket.on('message', (data) => socket.send(data));
  });
  secureUpgrades(server, admission, { onFault: (cause) => faults.push(cause), ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    server.closeAllConnections();
  });
  const dial = (path = '/live'): Promise<Opened> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      onTestFinished(() => socket.terminate());
      socket.once('open', () => resolve({ status: 101, socket, body: '' }));
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, socket, body }));
      });
      socket.once('error', reject);
    });
  return { dial, faults, connected, port, server, base: `http://127.0.0.1:${port}` };
}

const HANDSHAKE =
  'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

describe('an upgrade', () => {
  test('that is admitted reaches its listener, with its facts', async () => {
    const policy = expiring(1);
    const { dial, connected } = await serve(policy);
    const { status, socket } = await dial();
    expect(status).toBe(101);
    socket.send('hello');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.toString()).toBe('hello');
    const [request] = connected.mock.calls[0] as [IncomingMessage];
    expect(factsOf(request, policy)).toMatchObject({
      call: { operation: 'GET /live' },
      peer: { address: '127.0.0.1' },
    });
  });

  test('that is denied gets an HTTP answer, and nobody who listens hears of it', async () => {
    const { dial, connected, base } = await serve(closed, { problemTypeBase: 'https://e.test/' });
    const { status, body } = await dial();
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ type: 'https://e.test/a.closed', status: 403 });
    const answer = await exchange(base, HANDSHAKE);
    expect(answer).toMatch(/^HTTP\/1.1 403 [\s\S]*\r\nconnection: close\r\n/i);
    expect(connected).not.toHaveBeenCalled();
  });

  test('that is denied ends its connection where the denial cannot be written either', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const server = createServer().on('upgrade', () => undefined);
    secureUpgrades(server, closed);
    // Its other end reads nothing, and there is no room left.
    const full = new Duplex({ read: () => undefined, write: () => undefined });
    const incoming = new IncomingMessage(full as Socket);
    Object.assign(incoming, { method: 'GET', url: '/live', upgrade: true });
    server.emit('upgrade', incoming, full, Buffer.alloc(0));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(full.destroyed).toBe(true);
  });

  test('is decided where its guard answers later', async () => {
    const { dial } = await serve(waiting(() => new Promise((resolve) => setTimeout(resolve, 5))));
    expect((await dial()).status).toBe(101);
  });

  test('of a caller who left while it was decided is over', async () => {
    const endings: Completion[] = [];
    let gone: Socket | undefined;
    const policy = waiting(async () => {
      gone?.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }).use(
      definePolicy({
        name: 'told',
        role: 'check',
        always: { onComplete: (end) => void endings.push(end) },
        check: () => pass(),
      }),
    );
    const { connected, port } = await serve(policy);
    gone = connect(port, '127.0.0.1');
    gone.on('error', () => undefined).write(HANDSHAKE);
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings).toMatchObject([{ outcome: 'aborted' }]);
    expect(connected).not.toHaveBeenCalled();
  });

  test('with a target that is not clear is denied', async () => {
    const { base } = await serve(open);
    expect(await exchange(base, HANDSHAKE.replace('/live', '/a#b'))).toMatch(/^HTTP\/1.1 400/);
  });

  test('is decided by its row of a table, and denied where there is none', async () => {
    const { dial } = await serve(coverage({ 'GET /live': open, 'GET /closed': closed }));
    expect((await dial('/live')).status).toBe(101);
    expect((await dial('/live?of=tea')).status).toBe(101);
    expect((await dial('/closed')).status).toBe(403);
    expect((await dial('/elsewhere')).status).toBe(403);
  });

  test('is decided by the name that the option operation gives it', async () => {
    const { dial } = await serve(coverage({ 'rooms.enter': open, 'rooms.close': closed }), {
      operation: ({ url }) => (url === '/live' ? 'rooms.enter' : 'rooms.close'),
    });
    expect((await dial('/live')).status).toBe(101);
    expect((await dial('/closed')).status).toBe(403);
  });

  test('without Host is denied before any policy is asked, and logged, where Node leaves that to the guard', async () => {
    const asked = vi.fn<() => void>();
    const lines: string[] = [];
    const server = createServer({ requireHostHeader: false });
    server.on('upgrade', (_request, socket) => void socket.end('HTTP/1.1 101 In\r\n\r\n'));
    secureUpgrades(
      server,
      waiting(async () => asked()),
      {
        logDenials: logDenials({ write: (line) => void lines.push(line) }),
      },
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await exchange(base, HANDSHAKE.replace('Host: a\r\n', ''));
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*host\.missing/);
    expect(asked).not.toHaveBeenCalled();
    expect(lines.join('')).toContain('host.missing');
    expect(await exchange(base, HANDSHAKE)).toMatch(/^HTTP\/1\.1 101 /);
  });

  test('behind an answer that is still due cuts the connection', async () => {
    const { base, connected } = await serve(open, {}, () => undefined);
    const answer = await exchange(base, `GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${HANDSHAKE}`);
    expect([answer, connected.mock.calls.length]).toEqual(['', 0]);
  });

  test('counts as running until it closes', async () => {
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

  test('ends once for audit', async () => {
    const endings: Completion[] = [];
    const { dial } = await serve(obliged({ onComplete: (end) => void endings.push(end) }));
    const { socket } = await dial();
    expect(endings).toEqual([]);
    socket.close();
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings[0]).toMatchObject({ outcome: 'succeeded', status: 101 });
  });

  test.each<[string, Obligations, string]>([
    ['a filter', { onRelease: () => ({ ok: true }) }, 'release.unfilterable'],
    ['an inspection of bodies', { onMessage: () => ({ ok: true }) }, 'message.unavailable'],
  ])('is denied behind %s, which would never see what goes over it', async (_name, duty, code) => {
    const { dial, faults, connected } = await serve(obliged(duty));
    expect((await dial()).status).toBe(500);
    expect(connected).not.toHaveBeenCalled();
    expect(faults).toMatchObject([{ code }]);
  });

  test('that nobody takes any more is closed', async () => {
    let leave = (): unknown => undefined;
    const { base, server } = await serve(waiting(async () => leave()));
    leave = () => server.removeAllListeners('upgrade');
    expect(await exchange(base, HANDSHAKE)).toBe('');
  });

  test('whose listener throws is closed, and reported', async () => {
    const { base, server, faults } = await serve(open);
    const error = new Error('broken');
    server.prependListener('upgrade', () => {
      throw error;
    });
    expect(await exchange(base, HANDSHAKE)).toBe('');
    expect(faults).toEqual([error]);
  });
});

describe('a connection whose credential expires', () => {
  test('is closed then, where that is asked for', async () => {
    const endings: Completion[] = [];
    const policy = expiring(100).use(
      definePolicy({
        name: 'told',
        role: 'check',
        always: { onComplete: (end) => void endings.push(end) },
        check: () => pass(),
      }),
    );
    const { dial } = await serve(policy, { endWithToken: true });
    const { socket } = await dial();
    const [status, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([status, reason.toString()]).toEqual([1008, 'credentials.expired']);
    await vi.waitFor(() => expect(endings).toHaveLength(1), { timeout: 10_000 });
    expect(endings).toMatchObject([
      { outcome: 'denied', status: 101, denial: { code: 'credentials.expired' } },
    ]);
  });

  test('is cut where its caller does not close it', async () => {
    const { port } = await serve(expiring(20), { endWithToken: true });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = Buffer.alloc(0);
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        received = Buffer.concat([received, bytes]);
      });
    socket.write(HANDSHAKE);
    await once(socket, 'end');
    expect(received.toString('latin1')).toMatch(/\r\n\r\n[^\r]{4}credentials.expired$/);
    const ping = setInterval(() => socket.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0])), 20);
    onTestFinished(() => clearInterval(ping));
    await new Promise((resolve) => socket.once('close', resolve));
  });

  test('stays open where nothing is asked for', async () => {
    const { dial } = await serve(expiring(20));
    const { socket } = await dial();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('secureUpgrades cannot be constructed', () => {
  const server = createServer();
  secureUpgrades(server, open);
  test.each<[string, () => void, RegExp]>([
    ['on a server that it has secured', () => secureUpgrades(server, open), /secured already/],
    [
      'with an unknown option',
      () => secureUpgrades(createServer(), open, { endWith: 1 } as never),
      /endWith/,
    ],
    ['without a server', () => secureUpgrades((() => undefined) as never, open), /give the server/],
    [
      'with a guard that admits nobody',
      () => secureUpgrades(createServer(), guard<HttpFacts>() as never),
      /grant/,
    ],
  ])('%s', (_name, construct, message) => expect(construct).toThrow(message));
});
