import { connect } from 'node:net';
import zlib, { gzipSync } from 'node:zlib';
import {
  allowAnonymous,
  concurrencyLimit,
  definePolicy,
  type GrpcFacts,
  guard,
  pass,
} from '@apisec/core';
import { guardService, type SecureOptions, secure } from '@apisec/grpc';
import { type Server, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { everyKind, gate, HONEST, recorder } from './guards.ts';
import { frames, rawSocket } from './raw-call.ts';
import { framed, item, rawConnection, rawStream, statusOf } from './raw-http2.ts';
import { adminService, CHAT, COLLECT, GET, LIST, openShop, type ShopHandlers } from './shop.ts';

const eventually = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000 });

/** A shop that is secured as a whole, and how its calls end. */
async function open(handlers: Partial<ShopHandlers> = {}, options: Partial<SecureOptions> = {}) {
  const { completions, onComplete } = recorder();
  const shop = await openShop([], handlers, {
    prepare: (server: Server) => {
      const { methods = everyKind(gate({ onComplete })), ...rest } = options;
      secure(server, { methods: { ...methods, ...guardService(adminService, gate()) }, ...rest });
    },
  });
  return { ...shop, completions, connection: await rawConnection(shop.port) };
}

describe('a deadline', () => {
  test.each([
    '',
    '-5S',
    '+5S',
    '5',
    'S',
    '5s',
    '5h',
    '5 S',
    '5.5S',
    '0x5S',
    '5e3m',
    '123456789S',
    '5SS',
    '5S, 6S',
    'x5S',
    '5Sx',
    '٥S',
    '9'.repeat(300) + 'S',
    'NaNS',
  ])('%j is malformed', async (value) => {
    const started: string[] = [];
    const { connection, completions } = await open({
      Get: () => started.push(GET),
      Chat: () => started.push(CHAT),
    });
    for (const path of [GET, CHAT]) {
      const stream = rawStream(connection, path, { ...HONEST, 'grpc-timeout': value });
      let message: unknown;
      stream.on('response', (fields) => (message = fields['grpc-message']));
      stream.end(framed(item('a')));
      expect(await statusOf(stream)).toBe(status.INVALID_ARGUMENT);
      expect(message).toBe('The%20deadline%20of%20the%20call%20cannot%20be%20read.');
    }
    const denied = { outcome: 'denied', denial: { code: 'deadline.malformed' } };
    await eventually(() => expect(completions).toMatchObject([denied, denied]));
    expect(started).toEqual([]);
  });

  test.each(['597H', '99999999H', '99999999M', '99999999S', '2000H'])(
    '%s is far away',
    async (value) => {
      const left: number[] = [];
      const { connection } = await open({
        Get: (call, callback) => {
          left.push(Number(call.getDeadline()) - Date.now());
          callback(null, call.request);
        },
      });
      const stream = rawStream(connection, GET, { ...HONEST, 'grpc-timeout': value });
      stream.end(framed(item('a')));
      expect(await statusOf(stream)).toBe(status.OK);
      expect(left[0]).toBeGreaterThan(20 * 86_400_000);
    },
  );
});

describe('what is not gRPC', () => {
  test.each([
    ['GET', 'application/grpc', 405],
    ['PUT', 'application/grpc', 405],
    ['HEAD', 'application/grpc', 405],
    ['OPTIONS', 'application/grpc', 405],
    ['POST', undefined, 415],
    ['POST', 'application/json', 415],
    ['POST', 'application/grpcx', 415],
    ['POST', 'application/grpc-web', 415],
    ['POST', 'application/grpc-web-text+proto', 415],
    ['POST', 'text/plain; application/grpc', 415],
    ['POST', 'application/grpc, text/plain', 415],
    ['POST', 'application/grpc', 200],
    ['POST', 'application/grpc+proto', 200],
    ['POST', 'application/grpc;charset=utf-8', 200],
  ])('%s in %s is answered with %i', async (method, type, code) => {
    const started: string[] = [];
    const { connection } = await open({
      Get: (call, callback) => {
        started.push(GET);
        callback(null, call.request);
      },
    });
    const stream = connection.request(
      {
        ':method': method,
        ':path': GET,
        te: 'trailers',
        ...(type && { 'content-type': type }),
        ...HONEST,
      },
      { endStream: false },
    );
    stream.on('error', () => undefined);
    let answered: unknown;
    stream.on('response', (fields) => (answered = fields[':status']));
    if (code === 200) stream.end(framed(item('a')));
    await statusOf(stream);
    expect(answered).toBe(code);
    expect(started).toEqual(code === 200 ? [GET] : []);
  });
});

describe('messages', () => {
  test.each([
    [
      'a message that is cut off',
      COLLECT,
      {},
      Buffer.concat([framed(item('a')), framed(item('b')).subarray(0, 6)]),
    ],
    ['a head that is cut off', COLLECT, {}, Buffer.concat([framed(item('a')), Buffer.of(0, 0)])],
    [
      'a unary message with half of another',
      GET,
      {},
      Buffer.concat([framed(item('a')), Buffer.of(0)]),
    ],
    ['a length of four gigabytes', CHAT, {}, Buffer.of(0, 255, 255, 255, 255)],
    ['a compressed message and no encoding', GET, {}, framed(item('a'), true)],
    [
      'a compressed message of identity',
      CHAT,
      { 'grpc-encoding': 'identity' },
      framed(item('a'), true),
    ],
    ['an unknown flag', GET, {}, Buffer.concat([Buffer.of(2), framed(item('a')).subarray(1)])],
    [
      'an unknown flag and gzip',
      GET,
      { 'grpc-encoding': 'gzip' },
      Buffer.concat([Buffer.of(129), framed(item('a')).subarray(1)]),
    ],
    [
      'gzip cut off',
      GET,
      { 'grpc-encoding': 'gzip' },
      framed(gzipSync(item('abc')).subarray(0, 15), true),
    ],
    ['two encodings', GET, { 'grpc-encoding': 'gzip, gzip' }, framed(gzipSync(item('abc')), true)],
    [
      'an encoding of thirty thousand letters',
      GET,
      { 'grpc-encoding': 'x'.repeat(30_000) },
      framed(gzipSync(item('abc')), true),
    ],
  ])('%s', async (_, path, fields, bytes) => {
    const finished: string[] = [];
    const { connection, completions } = await open({
      Get: () => finished.push(GET),
      Collect: (call, callback) => {
        call.resume();
        call.on('end', () => {
          finished.push(COLLECT);
          callback(null, { text: '', index: 0 });
        });
      },
      Chat: (call) => void call.on('data', () => finished.push(CHAT)),
    });
    const stream = rawStream(connection, path, { ...HONEST, ...fields });
    let size = 0;
    stream.on('response', (fields) => (size = JSON.stringify(fields).length));
    stream.end(bytes);
    expect(await statusOf(stream)).toBeGreaterThan(0);
    await eventually(() => expect(completions).toHaveLength(1));
    expect(completions).toMatchObject([{ outcome: 'denied' }]);
    expect(finished).toEqual([]);
    expect(size).toBeLessThan(2000);
  });
});

test('messages of one packet are decompressed one after the other', async () => {
  const gunzip = vi.spyOn(zlib, 'createGunzip');
  onTestFinished(() => gunzip.mockRestore());
  const { connection, completions } = await open();
  const bomb = framed(gzipSync(Buffer.alloc(1_000_000)), true);
  const stream = rawStream(connection, GET, { ...HONEST, 'grpc-encoding': 'gzip' });
  stream.end(Buffer.concat(Array.from({ length: 12 }, () => bomb)));
  expect(await statusOf(stream)).toBeGreaterThan(0);
  await eventually(() => expect(completions).toMatchObject([{ outcome: 'denied' }]));
  expect(gunzip.mock.calls.length).toBeLessThan(3);
});

describe('a caller who takes all the time there is', () => {
  test.each([GET, LIST])('%s: a message that trickles in is denied', async (path) => {
    const { connection, completions, call } = await open(
      {},
      { limits: { messageTimeout: '100ms' } },
    );
    const stream = rawStream(connection, path, HONEST);
    stream.write(framed(item('a')).subarray(0, 6));
    expect(await statusOf(stream)).toBe(status.DEADLINE_EXCEEDED);
    await eventually(() =>
      expect(completions).toMatchObject([
        { outcome: 'denied', denial: { code: 'message.timeout' } },
      ]),
    );
    expect((await call(path, { metadata: HONEST })).code).toBe(status.OK);
  });

  test('a stream of messages is no message', async () => {
    const { connection, completions } = await open({}, { limits: { messageTimeout: '10ms' } });
    const stream = rawStream(connection, CHAT, HONEST);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.OK);
    expect(completions).toMatchObject([{ outcome: 'succeeded' }]);
  });

  test.each([
    [GET, { maxDeadline: '200ms' }, { outcome: 'aborted', status: status.DEADLINE_EXCEEDED }],
    [LIST, { maxStreamAge: '200ms' }, { outcome: 'denied', denial: { code: 'stream.too_old' } }],
  ] as const)(
    '%s: answers that are never read end with the call, %j',
    async (path, limits, ending) => {
      const text = 'x'.repeat(100_000);
      const { connection, completions } = await open(
        {
          Get: (_, callback) => callback(null, { text, index: 0 }),
          List: (call) => {
            call.write({ text, index: 0 });
            call.end();
          },
        },
        { limits },
      );
      rawStream(connection, path, HONEST).end(framed(item('a')));
      await eventually(() => expect(completions).toMatchObject([ending]));
    },
  );
});

test('metadata that cannot be held is left out, and not written to the log', async () => {
  const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => lines.mockRestore());
  const seen: unknown[] = [];
  const { connection } = await open({
    Get: (call, callback) => {
      seen.push(Object.keys(call.metadata.getMap()), call.metadata.get('x-bin'));
      callback(null, call.request);
    },
  });
  const stream = rawStream(connection, GET, {
    ...HONEST,
    'x!secret': 'a',
    'x|y': 'b',
    ['__proto__']: 'c',
    'x-bin': '%%%, =, YQ',
    'x-odd': 'é',
  });
  stream.end(framed(item('a')));
  expect(await statusOf(stream)).toBe(status.OK);
  expect(lines).not.toHaveBeenCalled();
  expect(seen[0]).toEqual(expect.arrayContaining(['x-key', 'x-bin', 'x-odd']));
  expect(String(seen[0])).not.toMatch(/[!|]|proto/);
  expect(String(seen[1])).toContain('a');
});

test('a field that is named __proto__ counts as metadata', async () => {
  const limits = { maxMetadataBytes: 1_000 };
  const shop = await openShop([secure({ methods: everyKind(gate()), limits })]);
  const stream = rawStream(await rawConnection(shop.port), GET, {
    ...HONEST,
    ['__proto__']: 'x'.repeat(2_000),
  });
  stream.end(framed(item('a')));
  expect(await statusOf(stream)).toBe(status.RESOURCE_EXHAUSTED);
});

describe('a flood of', () => {
  const frame = (type: number, flags: number, id: number, payload = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(id, 5);
    return Buffer.concat([head, payload]);
  };
  const whole = (id: number, path = GET): Buffer[] => [
    frames.open(id, path, HONEST),
    frames.message(id, framed(item('a'))),
    frames.end(id),
  ];
  const floods: readonly [string, number, (index: number) => readonly Buffer[]][] = [
    [
      'streams that are opened and reset',
      200,
      (n) => [...whole(2 * n + 1), frames.reset(2 * n + 1)],
    ],
    // MadeYouReset (CVE-2025-8671): the server resets them, for an increment of zero.
    [
      'streams that the server is made to reset',
      200,
      (n) => [...whole(2 * n + 1), frame(8, 0, 2 * n + 1, Buffer.alloc(4))],
    ],
    [
      'unknown methods that are reset',
      200,
      (n) => [...whole(2 * n + 1, `/a.B/C${n}`), frames.reset(2 * n + 1)],
    ],
    [
      'calls that are not gRPC',
      200,
      (n) => [
        frames.open(2 * n + 1, GET, { 'content-type': 'text/plain' }),
        frames.reset(2 * n + 1),
      ],
    ],
    ['pings', 2_000, () => [frame(6, 0, 0, Buffer.alloc(8))]],
    ['settings', 2_000, () => [frame(4, 0, 0)]],
    ['empty data', 2_000, (n) => (n === 0 ? [frames.open(1, CHAT, HONEST)] : [frame(0, 0, 1)])],
    [
      'continuations without an end',
      3_000,
      (n) => (n === 0 ? [frame(1, 0, 1, Buffer.of(0x82))] : [frame(9, 0, 1)]),
    ],
    ['priorities', 2_000, (n) => [frame(2, 0, 2 * n + 1, Buffer.of(0, 0, 0, 0, 1))]],
  ];

  test.each(floods)('%s leaves nothing behind, and others are served', async (_, count, next) => {
    const { completions, onComplete } = recorder();
    let [asked, running, most] = [0, 0, 0];
    const counted = definePolicy<GrpcFacts, object, 'check'>({
      name: 'counted',
      role: 'check',
      always: { onComplete },
      check: () => {
        asked++;
        return pass();
      },
    });
    const limited = guard<GrpcFacts>()
      .use(counted)
      .use(concurrencyLimit({ limit: 5, by: () => 'everyone' }))
      .use(allowAnonymous());
    const { port, call } = await open(
      {
        Get: (own, callback) => {
          most = Math.max(most, ++running);
          setImmediate(() => {
            running--;
            callback(null, own.request);
          });
        },
      },
      { methods: everyKind(limited) },
    );
    for (const open of [rawSocket, unread]) {
      const { send } = open(port);
      for (let index = 0; index < count; index++) send(...next(index));
    }
    await eventually(async () => {
      expect((await call(GET)).code).toBe(status.OK);
      expect([running, completions.length]).toEqual([0, asked]);
    });
    expect(most).toBeLessThanOrEqual(5);
  });

  /** A connection whose caller takes no answers. */
  function unread(port: number): ReturnType<typeof rawSocket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    onTestFinished(() => void socket.destroy());
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]));
    return { send: (...all) => void socket.write(Buffer.concat(all)) };
  }
});
