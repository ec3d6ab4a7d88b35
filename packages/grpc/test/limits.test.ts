import { gzipSync } from 'node:zlib';
import {
  type AuthenticatedFacts,
  ConfigurationError,
  definePolicy,
  type GrpcFacts,
  guard,
  pass,
} from '@apisec/core';
import { type CallLimits, secure } from '@apisec/grpc';
import { status } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { everyKind, gate, HONEST, recorder } from './guards.ts';
import { frames, rawSocket } from './raw-call.ts';
import { framed, item, rawConnection, rawStream, statusOf } from './raw-http2.ts';
import { type Answer, CHAT, COLLECT, GET, KINDS, LIST, openShop } from './shop.ts';

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 });
const metadata = HONEST;
const messages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ text: 'a', index }));
const reason = ({ trailing }: Answer): string => trailing.get('grpc-status-details-bin').join();

/** Admits ann, with a credential that ends then. */
function until(expiry: () => number | undefined) {
  return gate().use(
    definePolicy<GrpcFacts, Pick<AuthenticatedFacts, 'authentication' | 'principal'>, 'check'>({
      name: 'until',
      role: 'check',
      check: () =>
        pass({
          principal: {
            id: 'ann',
            subject: 'ann',
            issuer: 'shop',
            scopes: new Set<string>(),
            roles: new Set<string>(),
          },
          authentication: { method: 'jwt', scheme: 'Bearer', claims: {}, expiresAt: expiry() },
        }),
    }),
  );
}

describe('a stream', () => {
  test.each([LIST, CHAT, COLLECT])(
    '%s: ends when the credential that opened it expires',
    async (path) => {
      const { completions, onComplete } = recorder();
      const cancelled: string[] = [];
      const held = (call: { on(event: 'cancelled', listener: () => void): unknown }): void =>
        void call.on('cancelled', () => cancelled.push(path));
      const guarded = until(() => Date.now() + 2_000).use(
        definePolicy({ name: 'audit', role: 'check', always: { onComplete }, check: () => pass() }),
      );
      const shop = await openShop([secure({ methods: everyKind(guarded) })], {
        List: held,
        Chat: held,
        Collect: held,
      });
      const answer = await shop.call(path, { metadata });
      expect(answer.code).toBe(status.UNAUTHENTICATED);
      expect(reason(answer)).toContain('credentials.expired');
      await eventually(() => expect(cancelled).toEqual([path]));
      expect(completions).toMatchObject([
        { outcome: 'denied', denial: { code: 'credentials.expired' } },
      ]);
    },
  );

  test('does not open with a credential that has expired meanwhile', async () => {
    const started: string[] = [];
    const shop = await openShop([secure({ methods: everyKind(until(() => Date.now() - 1)) })], {
      Chat: () => started.push(CHAT),
    });
    expect(reason(await shop.call(CHAT, { metadata }))).toContain('credentials.expired');
    expect(started).toEqual([]);
    expect((await shop.call(GET, { metadata })).code).toBe(status.OK);
  });

  test('lasts as long as it may, and others with it', async () => {
    const limits = { maxStreamAge: '100ms' } as const;
    const shop = await openShop([secure({ methods: everyKind(until(() => undefined)), limits })], {
      Chat: () => undefined,
    });
    const answer = await shop.call(CHAT, { metadata });
    expect(answer.code).toBe(status.UNAVAILABLE);
    expect(reason(answer)).toContain('stream.too_old');
    expect((await shop.call(GET, { metadata })).code).toBe(status.OK);
  });

  test('of nobody in particular lasts an hour', async () => {
    let time = Date.now();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const started: string[] = [];
      const shop = await openShop([secure({ methods: everyKind(gate()), now: () => time })], {
        Chat: () => started.push(CHAT),
      });
      const stream = rawStream(await rawConnection(shop.port), CHAT, HONEST);
      const code = statusOf(stream);
      await eventuallyReal(() => started.length === 1);
      time += 3_600_000;
      vi.advanceTimersByTime(3_599_999);
      expect(stream.closed).toBe(false);
      vi.advanceTimersByTime(1);
      expect(await code).toBe(status.UNAVAILABLE);
    } finally {
      vi.useRealTimers();
    }
  });

  test('of a stranger is one of a hundred from an address', async () => {
    const { completions, onComplete } = recorder();
    const started: string[] = [];
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      List: () => started.push(LIST),
    });
    const { send } = rawSocket(shop.port);
    const ids = Array.from({ length: 200 }, (_, index) => 2 * index + 1);
    for (const id of ids) {
      send(frames.open(id, LIST, HONEST), frames.message(id, framed(item('a'))), frames.end(id));
    }
    await eventually(() => expect(completions).toHaveLength(100));
    expect(new Set(completions.map(({ denial }) => denial?.code))).toEqual(
      new Set(['stream.too_many']),
    );
    await eventually(() => expect(started).toHaveLength(100));
    // Places are given back.
    send(...ids.slice(0, 100).map((id) => frames.reset(id)));
    await eventually(() => expect(completions).toHaveLength(200));
    send(
      frames.open(1001, LIST, HONEST),
      frames.message(1001, framed(item('a'))),
      frames.end(1001),
    );
    await eventually(() => expect(started).toHaveLength(101));
    // Somebody who is known is not counted.
    expect((await shop.call(GET, { metadata })).code).toBe(status.OK);
  });
});

/** Where the clock of timers is held. */
async function eventuallyReal(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}

describe('limits of a call', () => {
  const withLimits = (limits: CallLimits, handlers = {}) =>
    openShop([secure({ methods: everyKind(gate()), limits })], handlers);

  test.each(KINDS)('%s: a deadline that is required', async (path) => {
    const shop = await withLimits({ requireDeadline: true });
    const stream = rawStream(await rawConnection(shop.port), path, HONEST);
    expect(await statusOf(stream)).toBe(status.INVALID_ARGUMENT);
    expect((await shop.call(path, { metadata })).code).toBe(status.OK);
  });

  test.each(KINDS)('%s: the longest deadline, whatever was asked for', async (path) => {
    const deadlines: number[] = [];
    const held = (call: { getDeadline(): number | Date }): void =>
      void deadlines.push(Number(call.getDeadline()));
    const shop = await withLimits(
      { maxDeadline: '100ms' },
      { Get: held, List: held, Chat: held, Collect: held },
    );
    const before = Date.now();
    const stream = rawStream(await rawConnection(shop.port), path, {
      ...HONEST,
      'grpc-timeout': '99999999H',
    });
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.DEADLINE_EXCEEDED);
    const endless = rawStream(await rawConnection(shop.port), path, HONEST);
    endless.end(framed(item('a')));
    expect(await statusOf(endless)).toBe(status.DEADLINE_EXCEEDED);
    for (const deadline of deadlines) expect(deadline - before).toBeLessThan(9_000);
  });

  test('a shorter deadline holds', async () => {
    const shop = await withLimits({ maxDeadline: '1h' }, { Get: () => undefined });
    const stream = rawStream(await rawConnection(shop.port), GET, {
      ...HONEST,
      'grpc-timeout': '50m',
    });
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.DEADLINE_EXCEEDED);
  });

  test.each(
    [GET, LIST, CHAT, COLLECT].flatMap((path) => [
      [path, '0n'],
      [path, '1n'],
      [path, '0H'],
    ]),
  )('%s: a deadline that has passed already (%s) starts no handler', async (path, timeout) => {
    const started: string[] = [];
    const handler = (): void => void started.push(path);
    const shop = await withLimits(
      {},
      { Get: handler, List: handler, Chat: handler, Collect: handler },
    );
    const stream = rawStream(await rawConnection(shop.port), path, {
      ...HONEST,
      'grpc-timeout': timeout,
    });
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.DEADLINE_EXCEEDED);
    expect(started).toEqual([]);
  });

  test('the size of a message', async () => {
    const shop = await withLimits({ maxMessageBytes: 100 });
    const large = await shop.call(CHAT, {
      metadata,
      messages: [{ text: 'x'.repeat(200), index: 0 }],
    });
    expect(large.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reason(large)).toContain('message.too_large');
    expect(
      (await shop.call(CHAT, { metadata, messages: [{ text: 'x'.repeat(50), index: 0 }] })).code,
    ).toBe(status.OK);
  });

  test('the size of a message once it is decompressed', async () => {
    const shop = await withLimits({ maxMessageBytes: 100 });
    const codeOf = async (text: string) => {
      const compressed = gzipSync(item(text));
      expect(compressed.length).toBeLessThan(100);
      const fields = { ...HONEST, 'grpc-encoding': 'gzip' };
      const stream = rawStream(await rawConnection(shop.port), GET, fields);
      stream.end(framed(compressed, true));
      return statusOf(stream);
    };
    expect(await codeOf('x'.repeat(120))).toBe(status.RESOURCE_EXHAUSTED);
    expect(await codeOf('x'.repeat(50))).toBe(status.OK);
  });

  test('the time of a message, which is a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { completions, onComplete } = recorder();
      let decided = 0;
      const open = gate({ onComplete, onDecision: () => void decided++ });
      const shop = await openShop([secure({ methods: everyKind(open) })]);
      const stream = rawStream(await rawConnection(shop.port), GET, HONEST);
      const code = statusOf(stream);
      stream.write(framed(item('a')).subarray(0, 6));
      await eventuallyReal(() => decided === 1);
      vi.advanceTimersByTime(59_999);
      expect(completions).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(await code).toBe(status.DEADLINE_EXCEEDED);
    } finally {
      vi.useRealTimers();
    }
  });

  test('the number of messages', async () => {
    const shop = await withLimits({ maxMessages: 3 });
    const answer = await shop.call(COLLECT, { metadata, messages: messages(4) });
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reason(answer)).toContain('stream.too_long');
    expect((await shop.call(COLLECT, { metadata, messages: messages(3) })).code).toBe(status.OK);
  });

  test('the rate of messages', async () => {
    const methods = everyKind(gate());
    const limits = { messageRate: { perSecond: 1, burst: 5 } };
    let time = 0;
    const shop = await openShop([secure({ methods, limits, now: () => time })]);
    expect(reason(await shop.call(CHAT, { metadata, messages: messages(6) }))).toContain(
      'stream.too_fast',
    );
    expect((await shop.call(CHAT, { metadata, messages: messages(5) })).code).toBe(status.OK);
    const paced = await openShop([secure({ methods, limits, now: () => (time += 1_000) })]);
    expect((await paced.call(CHAT, { metadata, messages: messages(50) })).code).toBe(status.OK);
  });

  test('the size of metadata', async () => {
    const shop = await withLimits({ maxMetadataBytes: 1_000 });
    const large = await shop.call(GET, { metadata: { ...metadata, 'x-fill': 'x'.repeat(2_000) } });
    expect(large.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reason(large)).toContain('metadata.too_large');
    expect((await shop.call(GET, { metadata })).code).toBe(status.OK);
  });

  test('of one method stand in place of those of all', async () => {
    const methods = everyKind(gate());
    const shop = await openShop([
      secure({ methods, limits: { maxMessages: 1 }, methodLimits: { [CHAT]: { maxMessages: 2 } } }),
    ]);
    expect((await shop.call(CHAT, { metadata, messages: messages(2) })).code).toBe(status.OK);
    expect((await shop.call(COLLECT, { metadata, messages: messages(2) })).code).toBe(
      status.RESOURCE_EXHAUSTED,
    );
  });

  test.each<[string, object]>([
    ['a bare number for a duration', { limits: { maxDeadline: 1_000 } }],
    ['a limit that nobody knows', { limits: { maxMesages: 1 } }],
    ['a size of zero', { limits: { maxMessageBytes: 0 } }],
    ['a rate without a burst', { limits: { messageRate: { perSecond: 1 } } }],
    ['limits of a method that is not listed', { methodLimits: { '/a.B/C': {} } }],
    ['no streams at all', { anonymousStreams: 0 }],
    ['an option that nobody knows', { limit: {} }],
  ])('cannot be constructed with %s', (_, options) => {
    const methods = everyKind(guard<GrpcFacts>().use(gateAll));
    expect(() => secure({ methods, ...options } as never)).toThrow(ConfigurationError);
    expect(() => secure({ methods })).not.toThrow();
  });
});

const gateAll = definePolicy({ name: 'all', role: 'grant', check: () => pass() });
