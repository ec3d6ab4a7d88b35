import {
  ConfigurationError,
  coverage,
  definePolicy,
  deny,
  factsOf,
  type GrpcCall,
  type GrpcFacts,
  guard,
  pass,
  type RequestLike,
} from '@apisec/core';
import { guardService, secure } from '@apisec/grpc';
import { trustProxies } from '@apisec/node';
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { everyKind, gate, HONEST, recorder, STOP } from './guards.ts';
import {
  adminService,
  CHAT,
  COLLECT,
  echo,
  GET,
  KINDS,
  LIST,
  openShop,
  RESET,
  type ShopHandlers,
  shopService,
} from './shop.ts';

/** A guard that admits everyone and shows what it saw. */
function watching(see: (request: RequestLike, facts: GrpcFacts) => void) {
  return guard<GrpcFacts>().use(
    definePolicy<GrpcFacts, object, 'grant'>({
      name: 'watching',
      role: 'grant',
      check: (request, facts) => {
        see(request, facts);
        return pass();
      },
    }),
  );
}

/** The handlers of `echo`, and the paths of those that were started. */
function watched(): { readonly handlers: ShopHandlers; readonly started: string[] } {
  const started: string[] = [];
  const wrap =
    <Call extends { getPath(): string }, Rest extends unknown[]>(
      handler: (call: Call, ...rest: Rest) => void,
    ) =>
    (call: Call, ...rest: Rest): void => {
      started.push(call.getPath());
      handler(call, ...rest);
    };
  const handlers = {
    Get: wrap(echo.Get),
    Collect: wrap(echo.Collect),
    List: wrap(echo.List),
    Chat: wrap(echo.Chat),
  };
  return { handlers, started };
}

describe.each([false, true])('decisions that need a promise: %s', (late) => {
  test.each(KINDS)('%s: an honest call reaches its handler', async (path) => {
    const { completions, onComplete } = recorder();
    const { handlers, started } = watched();
    const orders = gate({ onComplete }, { late });
    const shop = await openShop([secure({ methods: everyKind(orders) })], handlers);
    const answer = await shop.call(path, { metadata: HONEST });
    expect(answer).toMatchObject({ code: status.OK, details: 'OK' });
    expect(answer.replies).toHaveLength(1);
    expect(started).toEqual([path]);
    expect(completions).toMatchObject([{ outcome: 'succeeded', status: 0, facts: { who: 'ann' } }]);
  });

  test.each(KINDS)('%s: a denied call starts no handler', async (path) => {
    const { completions, onComplete } = recorder();
    const { handlers, started } = watched();
    const orders = gate({}, { late, always: { onComplete } });
    const shop = await openShop([secure({ methods: everyKind(orders) })], handlers);
    const answer = await shop.call(path);
    expect(answer).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: 'A key is needed.',
      replies: [],
    });
    expect(answer.trailing.get('www-authenticate')).toEqual(['Bearer']);
    expect(started).toEqual([]);
    expect(completions).toMatchObject([
      { outcome: 'denied', status: 16, denial: { code: 'key.missing' } },
    ]);
  });
});

test.each(KINDS)(
  '%s: the handler reads facts from its call, and from copies of its metadata',
  async (path) => {
    const orders = gate();
    const who: string[] = [];
    const read = (call: { readonly metadata: Metadata }): void => {
      who.push(factsOf(call, orders).who);
      who.push(factsOf(call.metadata, orders).who);
      who.push(factsOf(call.metadata.clone().clone(), orders).who);
      expect(() => factsOf(call, gate())).toThrow(ConfigurationError);
      expect(() => factsOf({ metadata: new Metadata() }, orders)).toThrow(ConfigurationError);
    };
    const copying: ServerInterceptor = (_, call) =>
      new ServerInterceptingCall(call, {
        start: (next) =>
          next({ onReceiveMetadata: (metadata, proceed) => proceed(metadata.clone()) }),
      });
    const shop = await openShop([secure({ methods: everyKind(orders) }), copying], {
      Get: (call, callback) => (read(call), echo.Get(call, callback)),
      Collect: (call, callback) => (read(call), echo.Collect(call, callback)),
      List: (call) => (read(call), echo.List(call)),
      Chat: (call) => (read(call), echo.Chat(call)),
    });
    expect((await shop.call(path, { metadata: HONEST })).code).toBe(status.OK);
    expect(who).toEqual(['ann', 'ann', 'ann']);
  },
);

test('a decision that needs no promise is made, and the handler started, in the same turn', async () => {
  const order: string[] = [];
  const admission = watching(() => {
    order.push('decided');
    queueMicrotask(() => order.push('next turn'));
  });
  const shop = await openShop([secure({ methods: { [CHAT]: admission } })], {
    Chat: (call) => {
      order.push('handled');
      echo.Chat(call);
    },
  });
  await shop.call(CHAT);
  expect(order).toEqual(['decided', 'handled', 'next turn']);
});

describe('unlisted methods', () => {
  test('are denied and recorded', async () => {
    const { completions, onComplete } = recorder();
    const methods = coverage(everyKind(gate()), { onUnlisted: onComplete });
    const shop = await openShop([secure({ methods })]);
    const answer = await shop.call(RESET, { metadata: HONEST });
    expect(answer).toMatchObject({ code: status.PERMISSION_DENIED, replies: [] });
    expect(completions).toMatchObject([
      {
        outcome: 'denied',
        denial: { code: 'operation.unlisted' },
        facts: { call: { protocol: 'grpc', operation: RESET } },
      },
    ]);
  });

  test.each([
    ['a caller who is admitted', HONEST, status.UNIMPLEMENTED, 'operation.unlisted'],
    ['a stranger', {}, status.UNAUTHENTICATED, 'key.missing'],
  ])('are not implemented by option, for %s', async (_, metadata, code, reason) => {
    const { completions, onComplete } = recorder();
    const methods = coverage(
      { ...everyKind(gate()), ...guardService(adminService, gate()) },
      { unlisted: gate(), onUnlisted: onComplete },
    );
    const shop = await openShop(
      [],
      {},
      {
        prepare: (server) => secure(server, { methods, unlisted: 'unimplemented' }),
      },
    );
    const answer = await shop.call('/shop.v1.Shop/Buy', { metadata });
    expect(answer.code).toBe(code);
    expect(answer.trailing.get('grpc-status-details-bin').join()).toContain(reason);
    if (metadata === HONEST) {
      expect(completions).toMatchObject([{ outcome: 'denied', status: code }]);
    }
  });

  test('have names that are bounded', async () => {
    const { completions, onComplete } = recorder();
    const methods = coverage(
      { ...everyKind(gate()), ...guardService(adminService, gate()) },
      { onUnlisted: onComplete },
    );
    const shop = await openShop([], {}, { prepare: (server) => secure(server, { methods }) });
    await shop.call(`/shop.v1.Shop/${'x'.repeat(10_000)}`);
    const names = completions.map(({ facts }) => (facts['call'] as GrpcCall).operation);
    expect(names.map(({ length }) => length < 210)).toEqual([true]);
  });

  test('become listed with their service', async () => {
    const shop = await openShop([secure({ methods: guardService(adminService, gate()) })]);
    expect((await shop.call(RESET, { metadata: HONEST })).code).toBe(status.OK);
    expect((await shop.call(RESET)).code).toBe(status.UNAUTHENTICATED);
    expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.PERMISSION_DENIED);
  });
});

describe('guards by the name of a method', () => {
  test('hold for that method, and the default for the others', async () => {
    const denied: string[] = [];
    const strict = gate().use(
      definePolicy({
        name: 'strict',
        role: 'check',
        check: (request) => (denied.push(request.url), deny('forbidden', 'shop.closed')),
      }),
    );
    const methods = guardService(shopService, { Get: strict, default: gate() });
    const shop = await openShop([secure({ methods })]);
    expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.PERMISSION_DENIED);
    expect((await shop.call(CHAT, { metadata: HONEST })).code).toBe(status.OK);
    expect(denied).toEqual([GET]);
  });

  test.each<[string, unknown, string]>([
    ['a method that is not there', { Get: gate(), Gett: gate(), default: gate() }, 'Gett'],
    ['a method that is forgotten', { Get: gate(), List: gate(), Chat: gate() }, 'Collect'],
    ['a guard without a grant', { Get: guard<GrpcFacts>(), default: gate() }, 'no grant'],
    ['no guards', undefined, 'guard'],
  ])('cannot be constructed with %s', (_, guards, message) => {
    expect(() => guardService(shopService, guards as never)).toThrow(message);
  });
});

describe('construction denies', () => {
  const check = guard<GrpcFacts>().use(
    definePolicy({ name: 'office', role: 'check', check: () => pass() }),
  );
  test.each([
    ['a path without its slash', { 'shop.v1.Shop/Get': gate() }],
    ['a service without a method', { '/shop.v1.Shop': gate() }],
    ['a pattern', { '/shop.v1.Shop/*': gate() }],
    ['an HTTP operation', { 'GET /orders': gate() }],
    ['a path with a query', { '/shop.v1.Shop/Get?x': gate() }],
    ['an empty path', { '': gate() }],
    ['a guard without a grant', { [GET]: check as never }],
    ['no guard at all', { [GET]: undefined as never }],
  ])('%s', (_, methods) => {
    expect(() => secure({ methods })).toThrow(ConfigurationError);
    expect(() => secure({ methods: { [GET]: gate() } })).not.toThrow();
  });

  test('a guard in place of the table', () => {
    expect(() => secure(gate() as never)).toThrow('list the methods');
  });
});

describe('what policies see', () => {
  test('method, path, metadata and peer', async () => {
    const seen: unknown[] = [];
    const metadata = new Metadata();
    metadata.add('X-Word', 'a');
    metadata.add('x-word', 'b');
    metadata.add('secret-bin', Buffer.from('secret'));
    metadata.add('host', 'evil.example');
    const admission = watching(({ method, url, headers }, { call, peer }) =>
      seen.push({
        line: `${method} ${url}`,
        word: headers.get('X-Word'),
        binary: headers.get('secret-bin') ?? headers.has('secret-bin'),
        host: headers.get('host'),
        absent: [headers.get('x-absent'), headers.has('x-absent'), headers.has('x-word')],
        call,
        peer,
      }),
    );
    const shop = await openShop([secure({ methods: { [GET]: admission } })]);
    await shop.call(GET, { metadata });
    expect(seen).toEqual([
      {
        line: `POST ${GET}`,
        word: 'a, b',
        binary: false,
        host: `127.0.0.1:${shop.port}, evil.example`,
        absent: [null, false, true],
        call: { protocol: 'grpc', operation: GET },
        peer: { address: '127.0.0.1', id: '127.0.0.1' },
      },
    ]);
  });

  test('an IPv6 peer is its address without the port, counted by its network', async () => {
    const peers: unknown[] = [];
    const admission = watching((_, { peer }) => peers.push(peer));
    const shop = await openShop([secure({ methods: { [GET]: admission } })], {}, { host: '[::1]' });
    await shop.call(GET);
    expect(peers).toEqual([{ address: '::1', id: '::/64' }]);
  });
});

describe('behind proxies', () => {
  const trust = trustProxies({ proxies: ['127.0.0.0/8'], header: 'x-forwarded-for' });
  test.each([
    ['one of ours names the caller', { trust }, '203.0.113.9, 192.0.2.7', '192.0.2.7'],
    ['nobody is trusted', {}, '192.0.2.7', '127.0.0.1'],
    ['it names nobody', { trust }, undefined, undefined],
    ['what it names is no address', { trust }, 'unknown', undefined],
  ])('%s', async (_, options, forwarded, address) => {
    const peers: GrpcFacts['peer'][] = [];
    const admission = watching((_request, { peer }) => peers.push(peer));
    const shop = await openShop([secure({ methods: { [GET]: admission }, ...options })]);
    const metadata = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    await shop.call(GET, { metadata });
    expect(peers.map((peer) => peer.address)).toEqual([address]);
  });
});

describe('header edits', () => {
  const edits = [
    { op: 'set', name: 'X-Frame', value: 'none' },
    { op: 'set', name: 'x-own', value: 'policy' },
    { op: 'append', name: 'Vary', value: 'origin' },
    { op: 'append', name: 'vary', value: 'accept' },
    { op: 'delete', name: 'server' },
    // Not a policy's to say: left out.
    { op: 'set', name: 'grpc-status', value: '0' },
    { op: 'set', name: 'content-type', value: 'text/html' },
    { op: 'set', name: 'connection', value: 'close' },
    { op: 'set', name: ':status', value: '500' },
    { op: 'set', name: 'x-bin', value: 'text' },
  ] as const;
  const expected = { 'x-frame': 'none', vary: 'origin, accept' };
  const shopWithEdits = (handlers?: Partial<ShopHandlers>) =>
    openShop([secure({ methods: everyKind(gate({}, { always: { headers: edits } })) })], handlers);

  test.each(KINDS)('%s: come as initial metadata', async (path) => {
    const shop = await shopWithEdits();
    const { code, initial } = await shop.call(path, { metadata: HONEST });
    expect(code).toBe(status.OK);
    expect(initial?.getMap()).toMatchObject(expected);
    expect(Object.keys(initial?.getMap() ?? {}).toSorted()).toEqual(
      ['content-type', 'date', 'vary', 'x-frame', 'x-own'].toSorted(),
    );
  });

  test.each(KINDS)('%s: come with a denial', async (path) => {
    const shop = await shopWithEdits();
    const { code, trailing } = await shop.call(path);
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(trailing.getMap()).toMatchObject(expected);
  });

  test.each([
    ['a name', { op: 'set', name: 'x split', value: 'a' }],
    ['a value', { op: 'set', name: 'x-bad', value: 'a\r\nb: c' }],
    ['a value to append', { op: 'append', name: 'x-bad', value: 'é' }],
    ['an operation', { op: 'sett' as 'set', name: 'x-bad', value: 'a' }],
  ] as const)('deny the call with %s that cannot be sent', async (_, edit) => {
    const { completions, onComplete } = recorder();
    const { handlers, started } = watched();
    const orders = gate({}, { always: { headers: [edit], onComplete } });
    const shop = await openShop([secure({ methods: everyKind(orders) })], handlers);
    expect(await shop.call(GET, { metadata: HONEST })).toMatchObject({
      code: status.INTERNAL,
      details: 'policy.invalid_outcome',
    });
    expect(started).toEqual([]);
    expect(completions).toMatchObject([{ outcome: 'denied', status: 13 }]);
  });

  test('come once, and not again with a denial in the middle', async () => {
    const denying = gate(
      { onRelease: () => ({ ok: false, denial: STOP }) },
      { always: { headers: edits } },
    );
    const shop = await openShop([secure({ methods: everyKind(denying) })]);
    const { initial, trailing } = await shop.call(GET, { metadata: HONEST });
    expect(initial?.getMap()).toMatchObject(expected);
    expect(Object.keys(trailing.getMap())).toEqual(['x-request-id', 'grpc-status-details-bin']);
  });

  test('come with an error of the handler that is its only answer', async () => {
    const shop = await shopWithEdits({
      Get: (_call, callback) => callback({ code: status.NOT_FOUND, details: 'none' }),
    });
    const { code, trailing } = await shop.call(GET, { metadata: HONEST });
    expect(code).toBe(status.NOT_FOUND);
    expect(trailing.getMap()).toMatchObject(expected);
  });

  test('leave alone what the handler set, and the object it keeps for every call', async () => {
    const own = new Metadata();
    own.set('x-own', 'handler');
    own.set('server', 'shop');
    const shop = await shopWithEdits({
      Get: (call, callback) => {
        call.sendMetadata(own);
        callback(null, call.request);
      },
    });
    for (const _ of [1, 2]) {
      const { initial } = await shop.call(GET, { metadata: HONEST });
      expect(initial?.getMap()).toMatchObject({ ...expected, 'x-own': 'handler' });
      expect(initial?.get('server')).toEqual([]);
    }
    expect(own.getMap()).toEqual({ 'x-own': 'handler', server: 'shop' });
  });
});

/** What a server is told whose test has no need of `coverServer`. */
const UNCOVERED: unknown = expect.stringContaining('coverServer(server) was not called');

describe('no fault admits a call or ends the process', () => {
  test.each([
    [
      'a policy that throws',
      () => {
        throw new Error('s3cret');
      },
    ],
    ['a policy that rejects', () => Promise.reject(new Error('s3cret'))],
    ['a policy that answers nonsense', () => 'yes' as never],
    [
      'an admission that throws, past its guard',
      () => {
        throw new Error('s3cret');
      },
      'bare',
    ],
    ['an admission that rejects', () => Promise.reject(new Error('s3cret')), 'bare'],
    ['an admission that answers nothing', () => undefined as never, 'bare'],
    [
      'obligations that are none',
      () => ({ ok: true, obligations: [{ onMessage: 1 }, null] }) as never,
    ],
    [
      'a header edit that is none',
      () =>
        ({
          ok: false,
          denial: { kind: 'forbidden', code: 'a.b' },
          obligations: { headers: [1] },
        }) as never,
    ],
  ])('%s', async (_, check, bare?: string) => {
    const { handlers, started } = watched();
    const errors: unknown[] = [];
    const admission = bare
      ? ({ role: 'grant', check } as never)
      : guard<GrpcFacts>().use(definePolicy({ name: 'broken', role: 'grant', check }));
    const shop = await openShop(
      [secure({ methods: everyKind(admission), onFault: (cause) => errors.push(cause) })],
      handlers,
    );
    for (const path of KINDS) {
      const answer = await shop.call(path);
      expect(answer).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringMatching(/^policy\./),
        replies: [],
      });
      expect(JSON.stringify(answer)).not.toContain('s3cret');
    }
    expect(started).toEqual([]);
  });

  test('a callback that throws while facts are read has the code that it has on every host', async () => {
    const { handlers, started } = watched();
    const broken = (): never => {
      throw new Error('s3cret');
    };
    const trust = { header: 'forwarded', believes: broken, clientCert: true } as const;
    const shop = await openShop([secure({ methods: everyKind(gate()), trust })], handlers);
    for (const path of KINDS) {
      const answer = await shop.call(path, { metadata: HONEST });
      expect(answer).toMatchObject({ code: status.INTERNAL, details: 'call.unattested' });
    }
    expect(started).toEqual([]);
  });

  test('a handler that throws at once', async () => {
    const { completions, onComplete } = recorder();
    const thrown = (): never => {
      throw new Error('s3cret');
    };
    const shop = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      Get: thrown,
      Collect: thrown,
      List: thrown,
      Chat: thrown,
    });
    for (const path of KINDS) {
      expect((await shop.call(path, { metadata: HONEST })).code).toBe(status.UNKNOWN);
    }
    expect(completions).toMatchObject(KINDS.map(() => ({ outcome: 'failed', status: 2 })));
  });

  test.each([COLLECT, CHAT])('%s: a handler that throws at a message', async (path) => {
    const { completions, onComplete } = recorder();
    const errors: unknown[] = [];
    const broken = new Error('s3cret');
    const throwing = (call: { on(event: 'data', listener: () => void): unknown }): void => {
      call.on('data', () => {
        throw broken;
      });
    };
    const shop = await openShop(
      [
        secure({
          methods: everyKind(gate({ onComplete })),
          onFault: (cause) => errors.push(cause),
        }),
      ],
      { Collect: throwing, Chat: throwing },
    );
    const answer = await shop.call(path, { metadata: HONEST });
    expect(answer).toMatchObject({ code: status.INTERNAL, details: 'handler.threw' });
    expect(errors.filter((each) => each !== broken).map(String)).toEqual([UNCOVERED]);
    expect(errors).toContain(broken);
    expect(completions).toMatchObject([{ outcome: 'failed', status: 13 }]);
    expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
  });

  test('an error text with half a character, which stops grpc-js', async () => {
    const shop = await openShop([secure({ methods: everyKind(gate()) })], {
      Get: (_call, callback) => callback({ code: status.NOT_FOUND, details: 'no \ud800 here' }),
      List: (call) => {
        call.write({ text: 'a', index: 1 });
        call.emit('error', { code: status.NOT_FOUND, details: 'no \ud800 here' });
      },
    });
    for (const path of [GET, LIST]) {
      const { code, details } = await shop.call(path, { metadata: HONEST });
      expect(code).toBe(status.NOT_FOUND);
      expect(decodeURI(details)).toBe('no \ufffd here');
    }
  });

  test('listeners that throw', async () => {
    const errors: unknown[] = [];
    const onComplete = () => {
      throw new Error('listener');
    };
    const shop = await openShop([
      secure({
        methods: everyKind(gate({ onComplete })),
        onFault: (cause) => {
          errors.push(cause);
          throw new Error('onFault');
        },
      }),
    ]);
    expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
    const told = () => expect(errors.map(String)).toEqual([UNCOVERED, 'Error: listener']);
    await vi.waitFor(told, { timeout: 10_000 });
  });
});

test('shadow mode denies nothing and reports', async () => {
  const { completions, onComplete } = recorder();
  const strict = definePolicy({
    name: 'strict',
    role: 'check',
    check: () => deny('forbidden', 'shop.closed'),
  });
  const orders = gate({ onComplete }).use(strict, { mode: 'shadow' });
  const shop = await openShop([secure({ methods: everyKind(orders) })]);
  expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
  expect(completions[0]?.trace).toMatchObject([
    { policy: 'gate', verdict: 'passed' },
    { policy: 'strict', verdict: 'would_deny', denial: { code: 'shop.closed' } },
  ]);
});

test('a denial links to where it is described', async () => {
  const methods = everyKind(gate());
  const shop = await openShop([secure({ methods, help: 'https://docs.example/denials#' })]);
  const { trailing } = await shop.call(GET);
  expect(trailing.get('grpc-status-details-bin').join()).toContain(
    'https://docs.example/denials#key.missing',
  );
  expect(() => secure({ methods, help: 'http://docs.example' })).toThrow(ConfigurationError);
});

test('an infrastructure fault asks for a retry', async () => {
  const down = guard<GrpcFacts>().use(
    definePolicy({
      name: 'down',
      role: 'grant',
      check: () => deny('unavailable', 'store.down', { retryAfterMs: 7_000, cause: 's3cret' }),
    }),
  );
  const shop = await openShop([secure({ methods: { [GET]: down } })]);
  const { code, trailing } = await shop.call(GET);
  expect(code).toBe(status.UNAVAILABLE);
  expect(trailing.get('retry-after')).toEqual(['7']);
  expect(trailing.get('grpc-status-details-bin').join()).toContain('RetryInfo');
});
