import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { secure, secureServerOptions } from '@apisec/grpc';
import { expect, onTestFinished, test } from 'vitest';
import { everyKind, gate, recorder } from './guards.ts';
import { frames } from './raw-call.ts';
import { rawConnection, rawStream } from './raw-http2.ts';
import { CHAT, openShop } from './shop.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');

async function serve(options: Parameters<typeof secureServerOptions>[0]) {
  const { completions, onComplete } = recorder();
  const shop = await openShop(
    [secure({ methods: everyKind(gate({ onComplete })) })],
    {},
    { serverOptions: { ...secureServerOptions(options) } },
  );
  return { ...shop, completions };
}

test('a connection that does not answer any more is cut, and its calls end', async () => {
  const { port, completions } = await serve({ keepaliveTime: '50ms', keepaliveTimeout: '50ms' });
  const silent = connect(port, '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  silent.on('error', () => undefined);
  silent.write(Buffer.concat([PREFACE, frames.open(1, CHAT, { 'x-key': 'open' })]));
  silent.resume();
  // The honest twin: Node answers pings.
  const session = await rawConnection(port);
  rawStream(session, CHAT, { 'x-key': 'open' });
  await once(silent, 'close');
  await expect.poll(() => completions.map(({ outcome }) => outcome)).toEqual(['aborted']);
  await sleep(150);
  expect([session.closed, completions.length]).toEqual([false, 1]);
});

test.each([
  ['without a call', { maxConnectionIdle: '50ms' } as const],
  ['that has grown old', { maxConnectionAge: '50ms', maxConnectionAgeGrace: '10ms' } as const],
])('a connection %s is closed', async (_, options) => {
  const { port } = await serve(options);
  const session = await rawConnection(port);
  await once(session, 'close');
  expect(session.destroyed).toBe(true);
});

test('connections have bounds by default', () => {
  expect(secureServerOptions()).toEqual({
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 300_000,
    'grpc.max_concurrent_streams': 100,
  });
});

test.each([
  [{ keepaliveTime: 1_000 }, 'keepaliveTime'],
  [{ maxConnectionAgeGrace: '1m' }, 'maxConnectionAge'],
  [{ maxConcurrentStreams: 0 }, 'maxConcurrentStreams'],
  [{ keepalive: '1m' }, '"keepalive" is not an option'],
])('cannot be constructed with %j', (options, message) => {
  expect(() => secureServerOptions(options as object)).toThrow(message);
});
