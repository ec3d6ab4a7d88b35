import {
  ConfigurationError,
  coverage,
  definePolicy,
  deny,
  type GrpcFacts,
  guard,
  pass,
} from '@apisec/core';
import { coverServer, guardService, secure } from '@apisec/grpc';
import {
  ChannelCredentials,
  experimental,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { everyKind, gate, HONEST, recorder } from './guards.ts';
import { rawCall } from './raw-call.ts';
import { type Answer, adminService, echo, GET, openShop, RESET, shopService } from './shop.ts';

const everything = { ...everyKind(gate()), ...guardService(adminService, gate()) };

test('an unknown method is answered and recorded like an unlisted one', async () => {
  const { completions, onComplete } = recorder();
  const { [RESET]: _, ...listed } = everything;
  const probes = ['/shop.v1.Shop/Nothing', '/no.Service/Get', '/'];
  const ends = ({ code, details, replies, initial, trailing }: Answer) => {
    const { date: _date, 'x-request-id': _id, ...rest } = trailing.getMap();
    return { code, details, replies, initial, rest };
  };
  const covered = await openShop(
    [secure({ methods: coverage(everything, { onUnlisted: onComplete }) })],
    {},
    { prepare: coverServer },
  );
  const open = await openShop([secure({ methods: listed })]);
  const unlisted = await open.call(RESET, { metadata: HONEST });
  for (const path of probes) {
    const answer = await covered.call(path, { metadata: HONEST });
    expect(ends(answer)).toEqual(ends(unlisted));
  }
  expect(completions.map(({ facts, denial }) => [facts['call'], denial?.code])).toEqual(
    probes.map((operation) => [{ protocol: 'grpc', operation }, 'operation.unlisted']),
  );
  expect((await covered.call(GET, { metadata: HONEST })).code).toBe(status.OK);
  // What it is without: an answer of another kind, that nobody hears of.
  expect((await open.call('/no.Service/Get')).code).toBe(status.UNIMPLEMENTED);
});

describe('a server that only has the interceptor', () => {
  const faults: unknown[] = [];
  const interceptor = () => secure({ methods: everything, onFault: (cause) => faults.push(cause) });

  test('is reported at its first call, with what to write instead', async () => {
    faults.length = 0;
    const { call } = await openShop([interceptor()]);
    const answers = await Promise.all([1, 2, 3].map(() => call(GET, { metadata: HONEST })));
    expect(answers.map(({ code }) => code)).toEqual([status.OK, status.OK, status.OK]);
    expect(faults.map(String)).toEqual([
      expect.stringMatching(/Write coverServer\(server\) before/),
    ]);
  });

  test.each<[string, boolean]>([
    ['coverServer(server)', true],
    ['secure(server, …)', false],
  ])('is not one where %s was called', async (_, first) => {
    faults.length = 0;
    const options = { methods: everything, onFault: (cause: unknown) => void faults.push(cause) };
    const { call } = first
      ? await openShop([interceptor()], {}, { prepare: coverServer })
      : await openShop([], {}, { prepare: (server) => secure(server, options) });
    expect((await call(GET, { metadata: HONEST })).code).toBe(status.OK);
    expect(faults).toEqual([]);
  });
});

test.each([
  ['coverServer', { first: true }],
  ['secure(server, …)', { first: false }],
])('%s comes before the interceptors of a port', async (_, { first }) => {
  const seen: string[] = [];
  const ofPort: ServerInterceptor = ({ path }, call) => {
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            seen.push(path);
            proceed(metadata);
          },
        }),
    });
  };
  const credentials = experimental.createServerCredentialsWithInterceptors(
    ServerCredentials.createInsecure(),
    [ofPort],
  );
  const shop = await openShop(
    first ? [secure({ methods: everything })] : [],
    {},
    {
      prepare: first ? coverServer : (server) => secure(server, { methods: everything }),
      serverCredentials: credentials,
      clientCredentials: ChannelCredentials.createInsecure(),
    },
  );
  expect((await shop.call(GET)).code).toBe(status.UNAUTHENTICATED);
  expect(seen).toEqual([]);
  expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
  expect(seen).toEqual([GET]);
});

test('a path without its slash is no path, for HTTP/2 itself', async () => {
  const { completions, onComplete } = recorder();
  const methods = coverage(everything, { onUnlisted: onComplete });
  const shop = await openShop([secure({ methods })], {}, { prepare: coverServer });
  expect(await shop.call(GET.slice(1), { metadata: HONEST })).toMatchObject({
    code: status.INTERNAL,
    replies: [],
  });
  expect(completions).toEqual([]);
});

test('a method that is listed and removed from the server later is not implemented', async () => {
  const shop = await openShop([secure({ methods: everything })], {}, { prepare: coverServer });
  shop.server.removeService(adminService);
  expect((await shop.call(RESET, { metadata: HONEST })).code).toBe(status.UNIMPLEMENTED);
  expect((await shop.call(RESET)).code).toBe(status.UNAUTHENTICATED);
});

describe('header fields as they came', () => {
  const seen = (names: readonly string[], values: Record<string, unknown>) =>
    guard<GrpcFacts>().use(
      definePolicy({
        name: 'seen',
        role: 'grant',
        check: ({ headers }) => {
          for (const name of names) values[name] = headers.get(name);
          return headers.get('authorization') === 'Bearer good'
            ? pass()
            : deny('unauthenticated', 'credentials.malformed');
        },
      }),
    );

  test.each([
    ['one', [['authorization', 'Bearer good']], 'Bearer good', true],
    [
      'two, the first good',
      [
        ['authorization', 'Bearer good'],
        ['authorization', 'Bearer bad'],
      ],
      'Bearer good, Bearer bad',
      false,
    ],
    [
      'two, the second good',
      [
        ['authorization', 'Bearer bad'],
        ['x-other', '1'],
        ['authorization', 'Bearer good'],
      ],
      'Bearer bad, Bearer good',
      false,
    ],
    ['one that is no ASCII', [['authorization', 'Bearer goodé']], 'Bearer good?', false],
  ] as const)('authorization: %s', async (_, fields, value, admitted) => {
    const values: Record<string, unknown> = {};
    const handled: string[] = [];
    const methods = { ...everything, [GET]: seen(['authorization'], values) };
    const shop = await openShop(
      [secure({ methods })],
      {
        Get: (call, callback) => {
          handled.push(GET);
          callback(null, call.request);
        },
      },
      { prepare: coverServer },
    );
    await rawCall(shop.port, GET, fields);
    expect(values).toEqual({ authorization: value });
    expect(handled).toEqual(admitted ? [GET] : []);
  });

  test('other fields are joined as HTTP/2 joins them', async () => {
    const values: Record<string, unknown> = {};
    const names = ['x-list', 'cookie', 'retry-after'];
    const methods = { ...everything, [GET]: seen(names, values) };
    const shop = await openShop([secure({ methods })], {}, { prepare: coverServer });
    await rawCall(shop.port, GET, [
      ['x-list', 'a'],
      ['cookie', 'a=1'],
      ['x-list', 'b'],
      ['cookie', 'b=2'],
      ['retry-after', '1'],
      ['retry-after', '2'],
    ]);
    expect(values).toEqual({ 'x-list': 'a, b', cookie: 'a=1; b=2', 'retry-after': '1, 2' });
  });
});

describe('does not start', () => {
  const other = (_: unknown, call: ServerInterceptingCall) => new ServerInterceptingCall(call);
  const serving = (...interceptors: unknown[]): Server => {
    const server = new Server({ interceptors: interceptors as never });
    server.addService(shopService, { ...echo });
    return server;
  };

  test.each([
    ['without secure', serving(), 'first interceptor'],
    [
      'with secure behind another interceptor',
      serving(other, secure({ methods: everyKind(gate()) })),
      'first interceptor',
    ],
    [
      'with a method that is not listed',
      serving(secure({ methods: { [GET]: gate() } })),
      'Collect',
    ],
    ['with a listed method that is not served', serving(secure({ methods: everything })), RESET],
    ['as something else', {} as Server, 'another way'],
  ])('%s', (_, server, message) => {
    expect(() => coverServer(server)).toThrow(ConfigurationError);
    expect(() => coverServer(server)).toThrow(message);
  });

  test('with secure(server, …) where a method is not listed', () => {
    expect(() => secure(serving(), { methods: { [GET]: gate() } })).toThrow('Collect');
    expect(() => secure(serving(), { methods: everyKind(gate()) })).not.toThrow();
  });

  test('with secure among the interceptors and again', () => {
    const server = serving(secure({ methods: everyKind(gate()) }));
    expect(() => secure(server, { methods: everyKind(gate()) })).toThrow('already');
  });

  test('when it is bound already', async () => {
    const shop = await openShop([secure({ methods: everything })]);
    expect(() => coverServer(shop.server)).toThrow('before bindAsync');
  });

  test('but not where all is covered', () => {
    const methods = everyKind(gate());
    expect(() => coverServer(serving(secure({ methods }), other))).not.toThrow();
  });
});
