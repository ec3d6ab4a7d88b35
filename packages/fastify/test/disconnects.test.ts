import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { allowAnonymous, concurrencyLimit, definePolicy, guard, pass } from '@apisec/core';
import fastify from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { secure } from '../src/secure.ts';

// Callers who send many calls over one connection, and disconnect before their turn.

const CALLS = 60;
const LIMIT = 5;
const PIPELINED = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(CALLS);

/** Sends all calls at once over a connection; answers how to break it off. */
type Sender = (port: number) => () => void;

const overHttp1: Sender = (port) => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(PIPELINED);
  return () => void socket.destroy();
};

const overHttp2: Sender = (port) => {
  const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => undefined);
  for (let call = 0; call < CALLS; call++) {
    session.request({ ':path': '/' }).on('error', () => undefined);
  }
  return () => session.destroy();
};

const protocols = [
  ['HTTP/1.1', false, overHttp1],
  ['HTTP/2', true, overHttp2],
] as const;

/** A server whose handler never answers; counts its calls. */
async function serve(isHttp2: boolean, guarded: ReturnType<typeof waiting>['guarded']) {
  const app = isHttp2
    ? (fastify({ http2: true }) as never as ReturnType<typeof fastify>)
    : fastify();
  let reached = 0;
  const closed = vi.fn();
  app.server.on('connection', (socket: Socket) => void socket.on('close', closed));
  await app.register(secure(guarded));
  app.get('/', () => {
    reached++;
    return new Promise<never>(() => undefined);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => void app.server.close());
  const { port } = app.server.address() as AddressInfo;
  return { port, closed, reached: () => reached };
}

/** A guard that keeps every call until all are let go. */
function waiting() {
  const held: (() => void)[] = [];
  const hold = definePolicy({
    name: 'hold',
    role: 'check',
    check: () => new Promise<ReturnType<typeof pass>>((go) => held.push(() => go(pass()))),
  });
  const places = concurrencyLimit({ name: 'places', limit: LIMIT, by: () => 'all' });
  return { held, guarded: guard().use(hold).use(places).use(allowAnonymous()) };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test.each(protocols)(
  'over %s no handler runs for calls whose caller disconnects while they are decided',
  async (_name, isHttp2, send) => {
    const { held, guarded } = waiting();
    const { port, closed, reached } = await serve(isHttp2, guarded);
    const leave = send(port);
    await vi.waitFor(() => expect(held).toHaveLength(CALLS), { timeout: 10_000 });
    leave();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled(), { timeout: 10_000 });
    for (const go of held.splice(0)) go();
    await turns();
    expect(reached()).toBe(0);
  },
);

test.each(protocols)(
  'over %s callers who stay are answered, as many at once as the limit allows',
  async (_name, isHttp2, send) => {
    const { held, guarded } = waiting();
    const { port, reached } = await serve(isHttp2, guarded);
    const leave = send(port);
    onTestFinished(leave);
    await vi.waitFor(() => expect(held).toHaveLength(CALLS), { timeout: 10_000 });
    for (const go of held.splice(0)) go();
    await vi.waitFor(() => expect(reached()).toBe(LIMIT), { timeout: 10_000 });
    await turns();
    expect(reached()).toBe(LIMIT);
  },
);

test.each(protocols)(
  'over %s those who disconnect while others work make no more work at once than the limit',
  async (_name, isHttp2, send) => {
    const { held, guarded } = waiting();
    const { port, closed, reached } = await serve(isHttp2, guarded);
    const leave = send(port);
    await vi.waitFor(() => expect(held).toHaveLength(CALLS), { timeout: 10_000 });
    for (const go of held.splice(0, LIMIT)) go();
    await vi.waitFor(() => expect(reached()).toBe(LIMIT), { timeout: 10_000 });
    leave();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled(), { timeout: 10_000 });
    // Their places are free now, and nobody is there to take them.
    for (const go of held.splice(0)) go();
    await turns();
    expect(reached()).toBe(LIMIT);
  },
);
