import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { allowAnonymous, concurrencyLimit, definePolicy, guard, pass } from '@apisec/core';
import express5 from 'express';
import express4 from 'express4';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { secure } from '../src/secure.ts';

// Callers who send many calls over one connection, and disconnect before their turn.

const CALLS = 60;
const LIMIT = 5;
const PIPELINED = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(CALLS);

describe.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('on %s', (_name, express) => {
  /** A server whose handler never answers, behind a guard that keeps every call until it is let go. */
  async function begin() {
    const held: (() => void)[] = [];
    const hold = definePolicy({
      name: 'hold',
      role: 'check',
      check: () => new Promise<ReturnType<typeof pass>>((go) => held.push(() => go(pass()))),
    });
    const places = concurrencyLimit({ name: 'places', limit: LIMIT, by: () => 'all' });
    const handler = vi.fn();
    const closed = vi.fn();
    const app = express();
    app.get('/', secure(guard().use(hold).use(places).use(allowAnonymous())), handler);
    const server = app.listen(0, '127.0.0.1');
    server.on('connection', (socket: Socket) => void socket.on('close', closed));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    socket.write(PIPELINED);
    await vi.waitFor(() => expect(held).toHaveLength(CALLS), { timeout: 10_000 });
    const leave = async () => {
      socket.destroy();
      await vi.waitFor(() => expect(closed).toHaveBeenCalled(), { timeout: 10_000 });
    };
    const letGo = (calls = held.length) => {
      for (const go of held.splice(0, calls)) go();
    };
    return { handler, leave, letGo };
  }

  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('no handler runs for calls whose caller disconnects while they are decided', async () => {
    const { handler, leave, letGo } = await begin();
    await leave();
    letGo();
    await turns();
    expect(handler).not.toHaveBeenCalled();
  });

  test('callers who stay are answered, as many at once as the limit allows', async () => {
    const { handler, letGo } = await begin();
    letGo();
    await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(LIMIT), { timeout: 10_000 });
    await turns();
    expect(handler).toHaveBeenCalledTimes(LIMIT);
  });

  test('those who disconnect while others work make no more work at once than the limit', async () => {
    const { handler, leave, letGo } = await begin();
    letGo(LIMIT);
    await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(LIMIT), { timeout: 10_000 });
    await leave();
    // Their places are free now, and nobody is there to take them.
    letGo();
    await turns();
    expect(handler).toHaveBeenCalledTimes(LIMIT);
  });
});
