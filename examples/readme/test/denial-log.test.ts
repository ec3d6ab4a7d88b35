import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { apisec } from '@apisec/apollo';
import {
  type Admission,
  allowAnonymous,
  allowedHosts,
  ConfigurationError,
  definePolicy,
  deny,
  guard,
  type HttpFacts,
  logDenials,
  type NoFacts,
  type Pass,
  pass,
  protect,
  rateLimit,
  requireHttps,
  type TransportFacts,
  tokenBucket,
} from '@apisec/core';
import * as expressHost from '@apisec/express';
import * as fastifyHost from '@apisec/fastify';
import * as grpcHost from '@apisec/grpc';
import * as honoHost from '@apisec/hono';
import { ApolloServer } from '@apollo/server';
import * as grpc from '@grpc/grpc-js';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';

const TOKEN = 'kq8Vt2LmZ9xW4sRb7NcP1yHdG6jFa3Ue';
/** Says more in its cause than anybody may read. */
const careless = definePolicy({
  name: 'careless',
  role: 'check',
  check: ({ headers }) =>
    deny('unauthenticated', 'shop.stranger', {
      cause: { wanted: 'a member', came: headers.get('x-api-key') ?? headers.get('authorization') },
    }),
});
const closed = guard<HttpFacts>().use(careless).use(allowAnonymous());
const anyHost = guard().use(careless).use(allowAnonymous());
const headers = { authorization: `Bearer ${TOKEN}` };

type Options = { readonly logDenials?: ReturnType<typeof logDenials> | false };
type Host = (options: Options) => Promise<void>;

const viaExpress: Host = async (options) => {
  const app = express();
  app.get('/orders', expressHost.secure(closed, options), (_req, res) => {
    res.end();
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/orders`, { headers });
};
const viaFastify: Host = async (options) => {
  const app = Fastify();
  onTestFinished(() => app.close());
  app.get('/orders', fastifyHost.secure(closed, options).route, () => 'never');
  await app.inject({ url: '/orders', headers });
};
const viaHono: Host = async (options) => {
  const app = new Hono();
  app.get('/orders', honoHost.secure(closed, options), (c) => c.text('never'));
  await app.request('/orders', { headers });
};
const viaProtect: Host = async (options) => {
  const serve = protect(closed, () => new Response('never'), options);
  await serve(new Request('https://api.example.com/orders', { headers }));
};
const viaApollo: Host = async (options) => {
  const server = new ApolloServer({
    typeDefs: 'type Query { orders: String }',
    plugins: [apisec({ admission: anyHost, ...options })],
  });
  onTestFinished(() => server.stop());
  await server.start();
  await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: 'POST',
      headers: new Map([
        ['content-type', 'application/json'],
        ['authorization', headers.authorization],
      ]) as never,
      search: '',
      body: { query: '{ orders }' },
    },
    context: async () => ({}),
  });
};
const viaGrpc: Host = async (options) => {
  const identity = (bytes: Buffer) => bytes;
  const path = '/shop.v1.Orders/List';
  const method = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  const server = new grpc.Server();
  server.addService({ List: method }, { List: () => undefined });
  grpcHost.secure(server, { methods: { [path]: closed as never }, ...options });
  const insecure = grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', insecure, (_error, bound) => resolve(bound));
  });
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', headers.authorization);
  await new Promise<void>((resolve) => {
    client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), metadata, () => resolve());
  });
  client.close();
  server.forceShutdown();
};

const hosts: readonly [string, Host][] = [
  ['Express', viaExpress],
  ['Fastify', viaFastify],
  ['Hono', viaHono],
  ['protect', viaProtect],
  ['Apollo', viaApollo],
  ['gRPC', viaGrpc],
];

test.each(hosts)('%s: one option writes a denial with its cause, and no token', async (_, host) => {
  const lines: string[] = [];
  await host({ logDenials: logDenials({ write: (line) => lines.push(line) }) });
  await expect.poll(() => lines).toHaveLength(1);
  const [line = ''] = lines;
  expect(JSON.parse(line)).toMatchObject({ code: 'shop.stranger', policy: 'careless' });
  expect(line).toContain('wanted=a member');
  expect(line).not.toContain(TOKEN);
});

test.each(hosts)('%s: writes nothing unless it is asked to', async (_, host) => {
  const write = vi.spyOn(console, 'error').mockReturnValue(undefined);
  onTestFinished(() => {
    write.mockRestore();
  });
  await host({});
  expect(write).not.toHaveBeenCalled();
});

test.each(hosts)(
  '%s: while developing, the terminal shows it, unless it is switched off',
  async (_, host) => {
    vi.stubEnv('NODE_ENV', 'development');
    const write = vi.spyOn(console, 'error').mockReturnValue(undefined);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      write.mockRestore();
    });
    await host({ logDenials: false });
    expect(write).not.toHaveBeenCalled();
    await host({});
    await expect.poll(() => write.mock.calls).toHaveLength(1);
    expect(String(write.mock.calls[0]?.[0])).toMatch(
      /^denied .*: shop\.stranger by careless\n {2}cause: wanted=a member/,
    );
  },
);

test('where NODE_ENV says nothing, the terminal shows the first denial, and how to see the others', async () => {
  vi.stubEnv('NODE_ENV', undefined);
  const write = vi.spyOn(console, 'error').mockReturnValue(undefined);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    write.mockRestore();
  });
  await viaExpress({ logDenials: false });
  expect(write).not.toHaveBeenCalled();
  await viaExpress({});
  await viaExpress({});
  await viaFastify({});
  const shown = write.mock.calls.map(([text]) => String(text));
  expect(shown).toHaveLength(1);
  expect(shown[0]).toMatch(
    /^denied GET \/orders: shop\.stranger by careless\n {2}cause: wanted=a member.*\n {2}\(shown once: NODE_ENV=dev/,
  );
  expect(shown[0]).not.toContain(TOKEN);
});

test.each([
  ['Hono', viaHono],
  ['protect', viaProtect],
] as const)(
  '%s: where NODE_ENV says nothing, it does so in front of a terminal alone',
  async (_name, host) => {
    vi.resetModules();
    vi.stubEnv('NODE_ENV', undefined);
    const { isTTY } = process.stderr;
    const write = vi.spyOn(console, 'error').mockReturnValue(undefined);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      write.mockRestore();
      process.stderr.isTTY = isTTY;
    });
    process.stderr.isTTY = false;
    await host({});
    expect(write).not.toHaveBeenCalled();
    process.stderr.isTTY = true;
    await host({ logDenials: false });
    expect(write).not.toHaveBeenCalled();
    await host({});
    await host({});
    await expect.poll(() => write.mock.calls).toHaveLength(1);
    const [[text] = []] = write.mock.calls;
    expect(text).toMatch(
      /^denied .*: shop\.stranger by careless\n.*\n {2}\(shown once: NODE_ENV=dev/,
    );
    expect(text).not.toContain(TOKEN);
    vi.stubEnv('NODE_ENV', 'production');
    await host({});
    expect(write).toHaveBeenCalledTimes(1);
  },
);

const anybody = () => guard<HttpFacts & TransportFacts>();
test.each<[string, () => Admission<HttpFacts & TransportFacts, object>, string]>([
  [
    'a limit that is used up',
    () => {
      const limit = tokenBucket({ capacity: 1, refillPerSecond: 0.001 });
      return anybody()
        .use(rateLimit({ name: 'search', limit, by: () => 'alice' }))
        .use(allowAnonymous());
    },
    'denied GET /orders: limit.exceeded by rateLimit\n  cause: [{name=search, key=alice,',
  ],
  [
    'a connection without TLS',
    () => anybody().use(requireHttps()).use(allowAnonymous()),
    'denied GET /orders: https.required by requireHttps\n  cause: reason=the connection is not encrypted; of a proxy',
  ],
  [
    'a host that is not listed',
    () =>
      anybody()
        .use(allowedHosts({ hosts: ['shop.example.com'] }))
        .use(allowAnonymous()),
    'denied GET /orders: host.not_allowed by allowedHosts\n  cause: allowed=[shop.example.com]',
  ],
  [
    'a policy that answers true',
    () => {
      const check = (() => true) as unknown as () => Pass<NoFacts>;
      return anybody()
        .use(definePolicy({ name: 'mine', role: 'check', check }))
        .use(allowAnonymous());
    },
    'denied GET /orders: policy.invalid_outcome by mine\n  cause: answer pass() or deny()',
  ],
])('operators find the cause of %s in the line itself', async (_, make, line) => {
  const lines: string[] = [];
  const serve = protect(make(), () => new Response(), {
    logDenials: logDenials({ format: 'text', write: (text) => lines.push(text) }),
    transport: () => ({ encrypted: false }),
    operation: () => 'GET /orders',
    onFault: () => undefined,
  });
  for (let call = 0; call < 2; call++) await serve(new Request('https://api.example.com/orders'));
  expect(lines[0]?.slice(0, line.length)).toBe(line);
});

test('a body that was not parsed is reported together with where a parser belongs', async () => {
  const lines: string[] = [];
  const log = logDenials({ format: 'text', write: (text) => lines.push(text) });
  const sees = guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'sees',
        role: 'check',
        always: { onMessage: () => ({ ok: true }) },
        check: () => pass(),
      }),
    )
    .use(allowAnonymous());
  const app = express();
  app.use(expressHost.secure(sees, { logDenials: log, onFault: () => undefined }));
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', body: '{}' });
  expect(lines[0]).toMatch(/message\.unavailable.*\n {2}cause: .*parser: express\.json\(\)/);
});

test('secure that is mounted without being called says so', async () => {
  expect(() => expressHost.secure({ headers: {}, _events: {} } as never, {})).toThrow(
    'secure: expected a guard. Write guard().use(policy).',
  );
});

test('a denial before the guard is asked is logged too', async () => {
  const lines: string[] = [];
  const log = logDenials({ write: (line) => lines.push(line) });
  const app = express();
  app.use(expressHost.secure(closed, { logDenials: log }));
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET javascript://x/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ code: 'call.target_unclear' });
});

test('a call is one entry, also where its guard has a log of its own', async () => {
  const lines: string[] = [];
  const log = logDenials({ write: (line) => lines.push(line) });
  const own = guard<HttpFacts>().use(log).use(careless).use(allowAnonymous());
  const serve = protect(own, () => new Response(), { logDenials: log });
  await serve(new Request('https://api.example.com/', { headers }));
  expect(lines).toHaveLength(1);
});

test.each([true, {}, 'json', null])('%j is not a log', (log) => {
  const make = () => protect(closed, () => new Response(), { logDenials: log as never });
  expect(make).toThrow(ConfigurationError);
});
