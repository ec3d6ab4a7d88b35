import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type BodyOutcome, definePolicy, type GrpcFacts, guard, pass } from '@apisec/core';
import { secure } from '@apisec/grpc';
import { Metadata, ServerInterceptingCall, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { deferred, everyKind, gate, HONEST, recorder, STOP } from './guards.ts';
import { rawCall } from './raw-call.ts';
import { framed, rawConnection, rawStream, statusOf } from './raw-http2.ts';
import { CHAT, COLLECT, GET, type Item, KINDS, LIST, openShop, RESET } from './shop.ts';

const metadata = HONEST;
const ok: BodyOutcome = { ok: true };

/** Answers now, later, or in a time that differs from message to message. */
const paces: readonly [name: string, pace: <T>(value: T, index: number) => T | Promise<T>][] = [
  ['at once', (value) => value],
  ['by promise', (value) => Promise.resolve(value)],
  [
    'now and then late',
    (value, index) =>
      index % 20 === 0 ? sleep(2, value) : index % 2 ? value : Promise.resolve(value),
  ],
];

describe.each(paces)('inspectors that answer %s', (_, pace) => {
  test.each(KINDS)('%s: see each message and replace it, in both directions', async (path) => {
    const seen: string[] = [];
    const { completions, onComplete } = recorder();
    const methods = everyKind(
      gate({
        onComplete,
        onMessage: (message) => {
          const item = message as Item;
          seen.push(`in ${item.text}`);
          return pace({ ok: true, value: { ...item, text: item.text.toUpperCase() } }, item.index);
        },
        onRelease: (message) => {
          const item = message as Item;
          seen.push(`out ${item.text}`);
          return pace({ ok: true, value: { ...item, text: `${item.text}!` } }, item.index);
        },
      }),
    );
    const shop = await openShop([secure({ methods })]);
    const { code, replies } = await shop.call(path, {
      metadata,
      messages: [{ text: 'a', index: 1 }],
    });
    expect(code).toBe(status.OK);
    expect(replies.map(({ text }) => text)).toEqual(['A!']);
    expect(seen).toEqual(['in a', 'out A']);
    expect(completions).toMatchObject([{ outcome: 'succeeded' }]);
  });

  test('keep the order of a thousand messages, and of the end after them', async () => {
    const inspect = (message: unknown) => pace(ok, (message as Item).index);
    const methods = everyKind(gate({ onMessage: inspect, onRelease: inspect }));
    const shop = await openShop([secure({ methods })]);
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const messages = numbers.map((index) => ({ text: `${index}`, index }));
    const chat = await shop.call(CHAT, { metadata, messages });
    expect(chat.code).toBe(status.OK);
    expect(chat.replies.map(({ index }) => index)).toEqual(numbers);
    const collect = await shop.call(COLLECT, { metadata, messages });
    expect(collect.replies).toEqual([{ text: numbers.join(','), index: 1000 }]);
    const list = await shop.call(LIST, { metadata, messages: [{ text: 'x', index: 1000 }] });
    expect(list.code).toBe(status.OK);
    expect(list.replies.map(({ index }) => index)).toEqual(numbers);
  });

  test.each([COLLECT, CHAT])('%s: end the call at a denied message', async (path) => {
    const handled: string[] = [];
    const cancelled: string[] = [];
    const { completions, onComplete } = recorder();
    const methods = everyKind(
      gate({
        onComplete,
        onMessage: (message) => {
          const { text, index } = message as Item;
          return pace<BodyOutcome>(text === 'bad' ? { ok: false, denial: STOP } : ok, index);
        },
      }),
    );
    const handle = (call: {
      on(event: 'data', listener: (item: Item) => void): unknown;
      on(event: 'cancelled', listener: () => void): unknown;
    }): void => {
      call.on('data', ({ text }) => handled.push(text));
      call.on('cancelled', () => cancelled.push(path));
    };
    const shop = await openShop([secure({ methods })], { Collect: handle, Chat: handle });
    const { code, details, trailing, replies } = await shop.call(path, {
      metadata,
      messages: ['a', 'b', 'bad', 'c', 'd'].map((text, index) => ({ text, index })),
    });
    expect({ code, details, replies }).toEqual({
      code: status.PERMISSION_DENIED,
      details: 'No such item.',
      replies: [],
    });
    expect(trailing.get('grpc-status-details-bin').join()).toContain('item.forbidden');
    await vi.waitFor(() => expect(cancelled).toEqual([path]), { timeout: 10_000 });
    expect(handled).toEqual(['a', 'b']);
    expect(completions).toMatchObject([{ outcome: 'denied', status: 7, denial: STOP }]);
  });

  test.each([GET, LIST])('%s: start no handler for a denied message', async (path) => {
    const started: string[] = [];
    const methods = everyKind(gate({ onMessage: () => pace({ ok: false, denial: STOP }, 0) }));
    const shop = await openShop([secure({ methods })], {
      Get: () => started.push(GET),
      List: () => started.push(LIST),
    });
    expect((await shop.call(path, { metadata })).code).toBe(status.PERMISSION_DENIED);
    expect(started).toEqual([]);
  });

  test.each(KINDS)('%s: end the call at a denied payload', async (path) => {
    const { completions, onComplete } = recorder();
    const methods = everyKind(
      gate({
        onComplete,
        onRelease: (message) => {
          const { text, index } = message as Item;
          const last = path === LIST || path === CHAT ? index === 2 : true;
          return pace<BodyOutcome>(last ? { ok: false, denial: STOP } : ok, text.length);
        },
      }),
    );
    const shop = await openShop([secure({ methods })]);
    const messages =
      path === CHAT
        ? [0, 1, 2, 3, 4].map((index) => ({ text: 'a', index }))
        : [{ text: 'a', index: 5 }];
    const { code, replies } = await shop.call(path, { metadata, messages });
    expect(code).toBe(status.PERMISSION_DENIED);
    expect(replies.map(({ index }) => index)).toEqual(path === LIST || path === CHAT ? [0, 1] : []);
    expect(completions).toMatchObject([{ outcome: 'denied', status: 7, denial: STOP }]);
  });

  test('release a payload before the status of an error right behind it', async () => {
    const methods = everyKind(gate({ onRelease: (item) => pace(ok, (item as Item).index) }));
    const shop = await openShop([secure({ methods })], {
      List: (call) => {
        call.write({ text: 'a', index: 0 });
        call.emit('error', { code: status.DATA_LOSS, details: 'lost' });
      },
      Get: (call, callback) => {
        callback(null, call.request);
        throw new Error('after the answer');
      },
    });
    const list = await shop.call(LIST, { metadata });
    expect(list).toMatchObject({ code: status.DATA_LOSS, replies: [{ text: 'a' }] });
    expect((await shop.call(GET, { metadata })).code).toBe(status.UNKNOWN);
  });
});

test.each([
  ['throw', () => Promise.reject(new Error('s3cret'))],
  ['answer nonsense', () => 'yes' as never],
  ['put nothing in place of a message', () => ({ ok: true, value: null }) as const],
])('inspectors that %s deny', async (_, inspect) => {
  for (const duty of ['onMessage', 'onRelease']) {
    const shop = await openShop([secure({ methods: everyKind(gate({ [duty]: inspect })) })]);
    for (const path of KINDS) {
      const answer = await shop.call(path, { metadata });
      expect(answer).toMatchObject({ code: status.INTERNAL, replies: [] });
      expect(JSON.stringify(answer)).not.toContain('s3cret');
    }
  }
});

describe('a caller who goes away', () => {
  test.each([LIST, CHAT])('%s: is reported to the handler and to the audit, once', async (path) => {
    const { completions, onComplete } = recorder();
    const cancelled: string[] = [];
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      List: (call) => {
        call.write({ text: 'a', index: 0 });
        call.on('cancelled', () => cancelled.push(LIST));
      },
      Chat: (call) => {
        call.on('data', () => call.write({ text: 'a', index: 0 }));
        call.on('cancelled', () => cancelled.push(CHAT));
      },
    });
    const { code } = await shop.call(path, { metadata, cancelAfter: 1 });
    expect(code).toBe(status.CANCELLED);
    await vi.waitFor(() => expect(completions).toHaveLength(1), { timeout: 10_000 });
    expect(completions).toMatchObject([{ outcome: 'aborted', status: 1 }]);
    expect(cancelled).toEqual([path]);
  });

  test('has reached the deadline', async () => {
    const { completions, onComplete } = recorder();
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      Get: () => undefined,
    });
    // Client libraries cancel at the deadline themselves, and may be first.
    await rawCall(shop.port, GET, [
      ['x-key', 'open'],
      ['grpc-timeout', '30m'],
    ]);
    await vi.waitFor(() => expect(completions).toHaveLength(1), { timeout: 10_000 });
    expect(completions).toMatchObject([{ outcome: 'aborted', status: 4 }]);
  });

  test('before the decision: the handler never starts, and what was taken is given back', async () => {
    const { completions, onComplete } = recorder();
    const started: string[] = [];
    const thinking = deferred<void>();
    const admission = guard<GrpcFacts>().use(
      definePolicy({
        name: 'slow',
        role: 'grant',
        check: () => thinking.promise.then(() => pass({}, { onComplete })),
      }),
    );
    const shop = await openShop([secure({ methods: { [CHAT]: admission } })], {
      Chat: () => started.push(CHAT),
    });
    const { code } = await shop.call(CHAT, { metadata, deadline: 300 });
    expect(code).toBe(status.DEADLINE_EXCEEDED);
    await sleep(20);
    expect(completions).toEqual([]);
    thinking.resolve();
    await vi.waitFor(() => expect(completions).toMatchObject([{ outcome: 'aborted' }]), {
      timeout: 10_000,
    });
    expect(started).toEqual([]);
  });

  test('while a message is looked at: the handler does not get it', async () => {
    const handled: unknown[] = [];
    const { completions, onComplete } = recorder();
    const looking = deferred<BodyOutcome>();
    const methods = everyKind(gate({ onComplete, onMessage: () => looking.promise }));
    const shop = await openShop([secure({ methods })], {
      Chat: (call) => call.on('data', (item) => handled.push(item)),
    });
    expect((await shop.call(CHAT, { metadata, deadline: 300 })).code).toBe(
      status.DEADLINE_EXCEEDED,
    );
    await vi.waitFor(() => expect(completions).toMatchObject([{ outcome: 'aborted' }]), {
      timeout: 10_000,
    });
    looking.resolve(ok);
    await sleep(10);
    expect(handled).toEqual([]);
    expect(completions).toHaveLength(1);
  });
});

test('a handler that answers after the call was denied is not heard', async () => {
  const { completions, onComplete } = recorder();
  const finished = deferred<void>();
  const methods = everyKind(gate({ onComplete, onMessage: () => ({ ok: false, denial: STOP }) }));
  const shop = await openShop([secure({ methods })], {
    Chat: (call) => {
      call.resume();
      call.on('cancelled', () => {
        call.write({ text: 'late', index: 0 });
        call.end();
        finished.resolve();
      });
    },
  });
  const { code, replies } = await shop.call(CHAT, { metadata });
  await finished.promise;
  expect({ code, replies }).toEqual({ code: status.PERMISSION_DENIED, replies: [] });
  expect(completions).toMatchObject([{ outcome: 'denied' }]);
});

test('a caller that sends faster than inspectors answer is held back', async () => {
  const messages = 200;
  const text = 'x'.repeat(64_000);
  const opened = deferred<void>();
  let asked = 0;
  const methods = everyKind(
    gate({
      onMessage: async () => {
        asked++;
        await opened.promise;
        return ok;
      },
    }),
  );
  const shop = await openShop([secure({ methods })], {
    Collect: (call, callback) => {
      let index = 0;
      call.on('data', () => index++);
      call.on('end', () => callback(null, { text: '', index }));
    },
  });
  const answer = shop.call(COLLECT, {
    metadata,
    messages: Array.from({ length: messages }, (_, index) => ({ text, index })),
  });
  await vi.waitFor(() => expect(asked).toBe(1), { timeout: 10_000 });
  await sleep(50);
  expect(asked).toBe(1);
  opened.resolve();
  expect((await answer).replies[0]?.index).toBe(messages);
  expect(asked).toBe(messages);
});

test.each([COLLECT, CHAT])('%s: messages are read as its handler takes them', async (path) => {
  const { completions, onComplete } = recorder();
  let seen = 0;
  const admission = gate({
    onComplete,
    onMessage: () => {
      seen++;
      return ok;
    },
  });
  const methods = { ...everyKind(admission), [RESET]: admission };
  const release = deferred<void>();
  const taken: number[] = [];
  const take = (call: Readable, end: () => void): void => {
    call.on('end', end);
    call.on('data', ({ text }: Item) => {
      taken.push(text.length);
      call.pause();
      void release.promise.then(() => call.resume());
    });
  };
  const shop = await openShop(
    [],
    {
      Collect: (call, answer) => take(call, () => answer(null, { text: '', index: 0 })),
      Chat: (call) => take(call, () => call.end()),
    },
    { prepare: (server) => secure(server, { methods }) },
  );
  const stream = rawStream(await rawConnection(shop.port), path, {
    ...HONEST,
    'grpc-encoding': 'gzip',
  });
  const text = 'x'.repeat(1_000_000);
  const head = Buffer.of(0x0a, 0xc0, 0x84, 0x3d);
  const bomb = framed(gzipSync(Buffer.concat([head, Buffer.from(text)])), true);
  stream.end(Buffer.concat(Array.from({ length: 30 }, () => bomb)));
  await vi.waitFor(() => expect(taken).toHaveLength(1), { timeout: 10_000 });
  await sleep(100);
  expect(seen).toBeLessThan(4);
  release.resolve();
  expect(await statusOf(stream)).toBe(status.OK);
  expect(taken).toEqual(Array.from({ length: 30 }, () => 1_000_000));
  expect(completions).toMatchObject([{ outcome: 'succeeded' }]);
});

describe('an interceptor behind this one that reads ahead', () => {
  /** Several messages are under way at a time, which grpc-js by itself never does. */
  const greedy = (_method: unknown, call: ServerInterceptingCall): ServerInterceptingCall => {
    const reading = setInterval(() => call.startRead(), 1);
    onTestFinished(() => clearInterval(reading));
    return new ServerInterceptingCall(call);
  };
  const messages = Array.from({ length: 30 }, (_, index) => ({ text: `${index}`, index }));

  test('gets messages in order, and the end after them', async () => {
    const onMessage = async (message: unknown) => {
      await sleep((message as Item).index % 3 === 0 ? 8 : 0);
      return ok;
    };
    const methods = everyKind(gate({ onMessage }));
    const shop = await openShop([secure({ methods }), greedy as never]);
    const { code, replies } = await shop.call(CHAT, { metadata, messages });
    expect(code).toBe(status.OK);
    expect(replies.map(({ index }) => index)).toEqual(messages.map(({ index }) => index));
  });

  test('gets none after one that is denied', async () => {
    const handled: number[] = [];
    const onMessage = async (message: unknown): Promise<BodyOutcome> => {
      const { index } = message as Item;
      await sleep(index === 3 ? 20 : 0);
      return index === 3 ? { ok: false, denial: STOP } : ok;
    };
    const methods = everyKind(gate({ onMessage }));
    const shop = await openShop([secure({ methods }), greedy as never], {
      Chat: (call) => {
        call.on('data', (item: Item) => {
          handled.push(item.index);
          call.write(item);
        });
      },
    });
    const { code } = await shop.call(CHAT, { metadata, messages });
    expect(code).toBe(status.PERMISSION_DENIED);
    await sleep(20);
    expect(handled).toEqual([0, 1, 2]);
  });
});

test('a message under way is not delivered once a payload was denied', async () => {
  const looking = deferred<BodyOutcome>();
  const asked = deferred<void>();
  const handled: string[] = [];
  const methods = everyKind(
    gate({
      onMessage: (message) => {
        if ((message as Item).text !== 'b') return ok;
        asked.resolve();
        return looking.promise;
      },
      onRelease: () => {
        looking.resolve(ok);
        return { ok: false, denial: STOP };
      },
    }),
  );
  const shop = await openShop([secure({ methods })], {
    Chat: (call) => {
      call.sendMetadata(new Metadata());
      call.on('data', ({ text }: Item) => {
        handled.push(text);
        if (handled.length === 1)
          void asked.promise.then(() => call.write({ text: 'x', index: 0 }));
      });
    },
  });
  const { code } = await shop.call(CHAT, {
    metadata,
    messages: ['a', 'b'].map((text, index) => ({ text, index })),
  });
  expect(code).toBe(status.PERMISSION_DENIED);
  expect(handled).toEqual(['a']);
});

test('a denied caller that goes on sending is not listened to', async () => {
  let asked = 0;
  const methods = everyKind(gate({ onMessage: () => (asked++, ok) }));
  const shop = await openShop([secure({ methods })]);
  const messages = Array.from({ length: 100 }, (_, index) => ({ text: 'x'.repeat(64_000), index }));
  expect((await shop.call(CHAT, { messages })).code).toBe(status.UNAUTHENTICATED);
  expect(asked).toBe(0);
  expect((await shop.call(GET, { metadata })).code).toBe(status.OK);
});

test('an interceptor behind this one cannot answer before the call is admitted', async () => {
  const { completions, onComplete } = recorder();
  const eager = (_method: unknown, call: ServerInterceptingCall): ServerInterceptingCall =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next();
        call.sendMessage({ text: 'cached', index: 0 }, () => undefined);
      },
    });
  const late = gate({ onComplete }, { late: true });
  const shop = await openShop([secure({ methods: everyKind(late) }), eager as never]);
  expect(await shop.call(GET, { metadata })).toMatchObject({ code: status.INTERNAL, replies: [] });
  await vi.waitFor(() => expect(completions).toMatchObject([{ outcome: 'denied' }]), {
    timeout: 10_000,
  });
});
