import { constants } from 'node:http2';
import { definePolicy, type GrpcFacts, guard, pass } from '@apisec/core';
import { secure } from '@apisec/grpc';
import {
  experimental,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { expect, test, vi } from 'vitest';
import { abortStreams } from './aborted-streams.ts';
import { deferred, everyKind, gate, HONEST, recorder, STOP } from './guards.ts';
import { frames, rawSocket } from './raw-call.ts';
import { framed, item, rawConnection, rawStream, statusOf } from './raw-http2.ts';
import { CHAT, GET, LIST, openShop } from './shop.ts';

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000 });

test('two thousand streams that were aborted at every moment leave nothing behind', () =>
  abortStreams(2_000));

test('a stream that is denied in the middle, whose answers nobody reads, is reset', async () => {
  const { completions, onComplete } = recorder();
  const methods = everyKind(gate({ onComplete, onMessage: () => ({ ok: false, denial: STOP }) }));
  const shop = await openShop([secure({ methods })], {
    Chat: (call) => {
      call.resume();
      for (let index = 0; index < 40; index++) call.write({ text: 'x'.repeat(65_000), index });
    },
  });
  const stream = rawStream(await rawConnection(shop.port), CHAT, HONEST);
  const closed = new Promise<number | undefined>((resolve) => {
    stream.on('close', () => resolve(stream.rstCode));
  });
  stream.write(framed(item('a')));
  await eventually(() => expect(completions).toMatchObject([{ outcome: 'denied', denial: STOP }]));
  stream.resume();
  expect([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]).toContain(await closed);
});

test('a caller who disconnects while policies are at work starts no handler', async () => {
  const { completions, onComplete } = recorder();
  const started: string[] = [];
  const thinking = deferred<void>();
  let asked = 0;
  const slow = guard<GrpcFacts>().use(
    definePolicy({
      name: 'slow',
      role: 'grant',
      check: () => {
        asked++;
        return thinking.promise.then(() => pass({}, { onComplete }));
      },
    }),
  );
  const shop = await openShop([secure({ methods: everyKind(slow) })], {
    Chat: () => started.push(CHAT),
    List: () => started.push(LIST),
  });
  const { send } = rawSocket(shop.port);
  for (const [id, path, code] of [
    [1, CHAT, 8],
    [3, CHAT, 0],
    [5, LIST, 8],
    [7, LIST, 0],
  ] as const) {
    send(
      frames.open(id, path, HONEST),
      frames.message(id, framed(item('a'))),
      frames.reset(id, code),
    );
  }
  await eventually(() => expect(asked).toBe(4));
  thinking.resolve();
  await eventually(() => expect(completions).toHaveLength(4));
  expect(new Set(completions.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
  expect(started).toEqual([]);
});

test('a connection that breaks ends all of its calls as aborted', async () => {
  const { completions, onComplete } = recorder();
  const started: string[] = [];
  const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
    Chat: () => started.push(CHAT),
  });
  const session = await rawConnection(shop.port);
  for (let count = 0; count < 20; count++) rawStream(session, CHAT, HONEST);
  await eventually(() => expect(started).toHaveLength(20));
  session.destroy();
  await eventually(() => expect(completions).toHaveLength(20));
  expect(new Set(completions.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
});

test('an interceptor in front that wraps the call does not hide its stream', async () => {
  const { completions, onComplete } = recorder();
  const wrapping: ServerInterceptor = (_, call) => new ServerInterceptingCall(call);
  const shop = await openShop([wrapping, secure({ methods: everyKind(gate({ onComplete })) })]);
  expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
  const { send } = rawSocket(shop.port);
  send(frames.open(1, GET, HONEST), frames.message(1, framed(item('a'))), frames.reset(1));
  await eventually(() =>
    expect(completions.map(({ outcome }) => outcome)).toEqual(['succeeded', 'aborted']),
  );
});

test('a grpc-js that hides its streams is closed, and says so', async () => {
  const faults: unknown[] = [];
  const started: string[] = [];
  const hiding: ServerInterceptor = (_, call) => {
    const hidden: object = {
      start: call.start.bind(call),
      sendStatus: call.sendStatus.bind(call),
      startRead: call.startRead.bind(call),
    };
    return hidden as ServerInterceptingCall;
  };
  const shop = await openShop(
    [hiding, secure({ methods: everyKind(gate()), onFault: (cause) => faults.push(cause) })],
    { Get: () => started.push(GET) },
  );
  expect(await shop.call(GET, { metadata: HONEST })).toMatchObject({
    code: status.INTERNAL,
    details: 'guard.incomplete',
  });
  // Before it that the server is not covered.
  expect(faults.map(String)).toEqual([
    expect.stringContaining('coverServer'),
    expect.stringContaining('1.14.5'),
  ]);
  expect(started).toEqual([]);
});

test('header fields of gRPC itself cannot be bent to reach another method', async () => {
  const started: string[] = [];
  const shop = await openShop(
    [],
    { Get: () => started.push(GET) },
    {
      prepare: (server) => {
        server.removeService({ Reset: { path: '/shop.v1.Admin/Reset' } } as never);
        secure(server, { methods: everyKind(gate()) });
      },
      serverCredentials: experimental.createServerCredentialsWithInterceptors(
        ServerCredentials.createInsecure(),
        [],
      ),
    },
  );
  const session = await rawConnection(shop.port);
  for (const path of [
    `${GET}/`,
    `/${GET}`,
    `${GET}?x=1`,
    `${GET}#x`,
    '/shop.v1.shop/Get',
    '/shop.v1.Shop/get',
    '/shop.v1.Shop/Get%00',
    '/__proto__/constructor',
    '/constructor',
  ]) {
    const stream = rawStream(session, path, HONEST);
    stream.end(framed(item('a')));
    expect([path, await statusOf(stream)]).toEqual([path, status.PERMISSION_DENIED]);
  }
  expect(started).toEqual([]);
});
