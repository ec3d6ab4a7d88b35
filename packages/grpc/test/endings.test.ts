import { once } from 'node:events';
import { constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { type Completion, concurrencyLimit } from '@apisec/core';
import { coverServer, guardService, secure } from '@apisec/grpc';
import { status } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { everyKind, gate, HONEST, recorder } from './guards.ts';
import { frames, rawSocket } from './raw-call.ts';
import { framed, item, rawConnection, rawStream, statusOf } from './raw-http2.ts';
import { adminService, CHAT, COLLECT, GET, LIST, openShop, RESET } from './shop.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
const UNKNOWN = '/no.Service/Get';

/** Waits for what must come, however busy the machine is. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 });

describe('a call that its caller resets', () => {
  const resets = [
    ['and not ended', (id: number) => [frames.reset(id)]],
    ['right after its end', (id: number) => [frames.end(id), frames.reset(id)]],
    ['without an error', (id: number) => [frames.reset(id, NGHTTP2_NO_ERROR)]],
  ] as const;

  describe.each(resets)('%s', (_, reset) => {
    test.each([COLLECT, CHAT])('%s: is aborted when it is reset between messages', async (path) => {
      const { completions, onComplete } = recorder();
      const received: string[] = [];
      const cancelled: string[] = [];
      type Listened = { on(event: 'data' | 'cancelled', listener: () => void): unknown };
      const see = (call: Listened): void => {
        call.on('data', () => received.push(path));
        call.on('cancelled', () => cancelled.push(path));
      };
      const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
        Collect: (call, callback) => {
          see(call);
          call.on('end', () => callback(null, { text: 'all', index: 0 }));
        },
        Chat: (call) => {
          see(call);
          call.on('end', () => call.end());
        },
      });
      const { send } = rawSocket(shop.port);
      send(frames.open(1, path, HONEST), frames.message(1, framed(item('a'))));
      await eventually(() => expect(received).toEqual([path]));
      send(...reset(1));
      await eventually(() => expect(completions).toHaveLength(1));
      expect(completions).toMatchObject([{ outcome: 'aborted', status: status.CANCELLED }]);
      expect(cancelled).toEqual([path]);
    });

    test('a handler that does not read is notified', async () => {
      const { completions, onComplete } = recorder();
      const started: string[] = [];
      const cancelled: string[] = [];
      const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
        Chat: (call) => {
          started.push(CHAT);
          call.on('cancelled', () => cancelled.push(CHAT));
        },
      });
      const { send } = rawSocket(shop.port);
      send(frames.open(1, CHAT, HONEST), frames.message(1, framed(item('a'))));
      await eventually(() => expect(started).toEqual([CHAT]));
      send(...reset(1));
      await eventually(() => expect(completions).toMatchObject([{ outcome: 'aborted' }]));
      expect(cancelled).toEqual([CHAT]);
    });

    test.each([GET, LIST])(
      '%s: never runs its handler behind a limit, however many are reset',
      async (path) => {
        const { completions, onComplete } = recorder();
        const started: string[] = [];
        const limited = gate({ onComplete }).use(
          concurrencyLimit({ limit: 5, by: () => 'everyone' }),
        );
        const shop = await openShop([secure({ methods: everyKind(limited) })], {
          Get: () => started.push(path),
          List: () => started.push(path),
        });
        const { send } = rawSocket(shop.port);
        for (let call = 0; call < 500; call++) {
          const id = 2 * call + 1;
          send(frames.open(id, path, HONEST), frames.message(id, framed(item('a'))), ...reset(id));
        }
        await eventually(() => expect(completions).toHaveLength(500));
        const outcomes = new Set(completions.map(({ outcome }) => outcome));
        expect(outcomes).not.toContain('succeeded');
        expect(outcomes).toContain('aborted');
        expect(started).toEqual([]);
      },
    );
  });

  test('runs its handler once it is complete', async () => {
    const { completions, onComplete } = recorder();
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })]);
    const stream = rawStream(await rawConnection(shop.port), GET, HONEST);
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.OK);
    expect(completions).toMatchObject([{ outcome: 'succeeded', status: 0 }]);
  });

  test('is aborted when its answer was never read', async () => {
    const { completions, onComplete } = recorder();
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      List: (call) => {
        // More than a window holds, so the status waits behind it.
        for (let index = 0; index < 40; index++) call.write({ text: 'x'.repeat(65_000), index });
        call.end();
      },
    });
    const stream = rawStream(await rawConnection(shop.port), LIST, HONEST);
    stream.end(framed(item('a')));
    await once(stream, 'response');
    stream.close(NGHTTP2_CANCEL);
    await eventually(() => expect(completions).toHaveLength(1));
    expect(completions).toMatchObject([{ outcome: 'aborted', status: status.CANCELLED }]);
  });
});

describe('calls that grpc-js denies by itself are recorded with their real status', () => {
  const length = 5_000_000;
  const sent: readonly [string, string, Record<string, string>, Buffer, Partial<Completion>][] = [
    [
      'a message that is too large',
      COLLECT,
      {},
      Buffer.concat([Buffer.of(0, 0, 0x4c, 0x4b, 0x40), Buffer.alloc(16)]),
      {
        status: status.RESOURCE_EXHAUSTED,
        denial: { kind: 'too_large', code: 'message.too_large' },
      },
    ],
    [
      'a message that decompresses to more than is allowed',
      COLLECT,
      { 'grpc-encoding': 'gzip' },
      framed(gzipSync(Buffer.alloc(length)), true),
      {
        status: status.RESOURCE_EXHAUSTED,
        denial: { kind: 'too_large', code: 'message.too_large' },
      },
    ],
    [
      'a message that is not protobuf',
      CHAT,
      {},
      framed(Buffer.of(0x0f)),
      { status: status.INTERNAL, denial: { kind: 'malformed', code: 'message.malformed' } },
    ],
    [
      'a message that is not compressed as it says',
      GET,
      { 'grpc-encoding': 'gzip' },
      framed(Buffer.from('nonsense'), true),
      { status: status.INTERNAL, denial: { kind: 'malformed', code: 'message.malformed' } },
    ],
    [
      'a message in an unknown compression',
      GET,
      { 'grpc-encoding': 'br' },
      framed(Buffer.from('nonsense'), true),
      {
        status: status.UNIMPLEMENTED,
        denial: { kind: 'unsupported', code: 'message.unsupported' },
      },
    ],
    [
      'a second message of a unary call',
      GET,
      {},
      Buffer.concat([framed(item('a')), framed(item('b'))]),
      { status: status.UNIMPLEMENTED, denial: { kind: 'malformed', code: 'message.malformed' } },
    ],
    [
      'a unary call without a message',
      LIST,
      {},
      Buffer.alloc(0),
      { status: status.UNIMPLEMENTED, denial: { kind: 'malformed', code: 'message.malformed' } },
    ],
    [
      'a deadline that cannot be read',
      GET,
      { 'grpc-timeout': 'soon' },
      Buffer.alloc(0),
      { status: status.INTERNAL, denial: { kind: 'malformed', code: 'deadline.malformed' } },
    ],
  ];

  test.each(sent)('%s', async (_, path, fields, bytes, ending) => {
    const { completions, onComplete } = recorder();
    const started: string[] = [];
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      Get: () => started.push(path),
      List: () => started.push(path),
    });
    const stream = rawStream(await rawConnection(shop.port), path, { ...HONEST, ...fields });
    stream.end(bytes);
    expect(await statusOf(stream)).toBe(ending.status);
    await eventually(() => expect(completions).toHaveLength(1));
    expect(completions).toMatchObject([{ outcome: 'denied', ...ending }]);
    expect(started).toEqual([]);
  });

  test('an answer that cannot be written is a failure', async () => {
    const { completions, onComplete } = recorder();
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      List: (call) => void call.write({ text: Object.create(null) as never, index: 1 }),
    });
    expect((await shop.call(LIST, { metadata: HONEST })).code).toBe(status.INTERNAL);
    await eventually(() => expect(completions).toHaveLength(1));
    expect(completions).toMatchObject([{ outcome: 'failed', status: status.INTERNAL }]);
  });

  test('a deadline that passes while an answer waits to be read ends the call', async () => {
    const { completions, onComplete } = recorder();
    const cancelled: string[] = [];
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      List: (call) => {
        call.on('cancelled', () => cancelled.push(LIST));
        for (let index = 0; index < 40; index++) call.write({ text: 'x'.repeat(65_000), index });
      },
    });
    const stream = rawStream(await rawConnection(shop.port), LIST, {
      ...HONEST,
      'grpc-timeout': '50m',
    });
    stream.end(framed(item('a')));
    await eventually(() => expect(completions).toHaveLength(1));
    expect(completions).toMatchObject([{ outcome: 'aborted', status: status.DEADLINE_EXCEEDED }]);
    expect(cancelled).toEqual([LIST]);
  });
});

describe('a call that is over and whose caller neither ends nor resets it', () => {
  const methods = { ...everyKind(gate()), ...guardService(adminService, gate()) };

  test.each([
    ['a call without a key', CHAT, {}],
    ['a unary call without a key', GET, {}],
    ['an unknown method', UNKNOWN, HONEST],
    ['a method of an unknown service with an odd path', '/', HONEST],
    ['a call in another content type', GET, { ...HONEST, 'content-type': 'application/json' }],
  ])('%s is reset at once', async (_, path, fields) => {
    const shop = await openShop([secure({ methods })], {}, { prepare: coverServer });
    const stream = rawStream(await rawConnection(shop.port), path, fields);
    await statusOf(stream);
    expect(stream.rstCode).toBe(NGHTTP2_NO_ERROR);
  });

  test('a handler that answers early ends the stream as well', async () => {
    const shop = await openShop(
      [secure({ methods })],
      {
        Collect: (_call, callback) => callback(null, { text: 'enough', index: 0 }),
      },
      { prepare: coverServer },
    );
    const stream = rawStream(await rawConnection(shop.port), COLLECT, HONEST);
    expect(await statusOf(stream)).toBe(status.OK);
  });

  test('calls that one connection has open are bounded', async () => {
    const { completions, onComplete } = recorder();
    const started: string[] = [];
    const open = gate({ onComplete });
    const shop = await openShop(
      [secure({ methods: { ...everyKind(open), ...guardService(adminService, open) } })],
      { Chat: () => started.push(CHAT) },
      { prepare: coverServer },
    );
    const session = await rawConnection(shop.port);
    const streams = Array.from({ length: 150 }, () => rawStream(session, CHAT, HONEST));
    const [first] = streams;
    await eventually(() => expect(started).toHaveLength(100));
    first?.close(NGHTTP2_CANCEL);
    await eventually(() => expect(completions).toHaveLength(1));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  test('calls that one connection has open are bounded as the server says', async () => {
    const shop = await openShop(
      [secure({ methods: { ...everyKind(gate()), ...guardService(adminService, gate()) } })],
      {},
      { prepare: coverServer, serverOptions: { 'grpc.max_concurrent_streams': 7 } },
    );
    const session = await rawConnection(shop.port);
    const stream = rawStream(session, RESET, HONEST);
    stream.end(framed(item('tea')));
    expect(await statusOf(stream)).toBe(status.OK);
    expect(session.remoteSettings.maxConcurrentStreams).toBe(7);
  });

  test('a method that is served and not listed is reset as well', async () => {
    const shop = await openShop([secure({ methods: everyKind(gate()) })]);
    const stream = rawStream(await rawConnection(shop.port), RESET, HONEST);
    expect(await statusOf(stream)).toBe(status.PERMISSION_DENIED);
  });
});
