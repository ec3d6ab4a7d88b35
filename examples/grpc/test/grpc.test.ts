import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, type Identity, SHOP_NAME } from '@apisec/conformance/certificates';
import { discoverIssuer } from '@apisec/core';
import { channelTls, serverTls } from '@apisec/grpc';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type Server,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../src/client.ts';
import { createServer, healthService, ordersService, reflectionService } from '../src/server.ts';

let issuer: TestIssuer;
let server: Server;
let client: Client;
let port: number;
let folder: string;
let authority: Identity;
let own: Identity;

const OVERRIDE = { 'grpc.ssl_target_name_override': 'shop.example' };
const file = (name: string): string => join(folder, name);
const channel = () =>
  channelTls({
    ca: file('ca'),
    cert: file('client.cert'),
    key: file('client.key'),
    reload: 'never',
  });

/** Starts a server of its own; answers its port. */
async function start(options: Parameters<typeof createServer>[1]) {
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  const started = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys }, options);
  const tls = serverTls({
    cert: file('server.cert'),
    key: file('server.key'),
    ca: file('ca'),
    clientCertificates: 'required',
    reload: 'never',
  });
  const bound = await new Promise<number>((resolve, reject) => {
    started.bindAsync('127.0.0.1:0', tls, (error, at) => (error ? reject(error) : resolve(at)));
  });
  return { started, bound };
}

beforeAll(async () => {
  issuer = await startIssuer();
  folder = await mkdtemp(join(tmpdir(), 'apisec-'));
  authority = await createAuthority('authority');
  own = await authority.issue('front');
  const shop = await authority.issue('shop', [SHOP_NAME]);
  await writeFile(file('ca'), authority.cert);
  for (const [name, { cert, key }] of Object.entries({ server: shop, client: own })) {
    await writeFile(file(`${name}.cert`), cert);
    await writeFile(file(`${name}.key`), key);
  }
  ({ started: server, bound: port } = await start({}));
  client = new Client(`127.0.0.1:${port}`, channel().credentials, OVERRIDE);
});

afterAll(async () => {
  client.close();
  server.forceShutdown();
  await issuer.close();
  await rm(folder, { recursive: true });
});

/** Makes a call of any kind; answers the replies, or how it was denied. */
async function call(name: string, request: object, claims?: Parameters<TestIssuer['token']>[0]) {
  const metadata = new Metadata();
  if (claims) metadata.set('authorization', `Bearer ${await issuer.token(claims)}`);
  const listed = ordersService[name];
  const method = listed ?? (ordersService['Place'] as MethodDefinition<object, object>);
  const stream = client.makeServerStreamRequest(
    listed?.path ?? `/shop.v1.Orders/${name}`,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadata,
    { deadline: Date.now() + 20_000 },
  );
  const replies: unknown[] = [];
  try {
    for await (const reply of stream) replies.push(reply);
    return { status: 'OK', replies };
  } catch (error) {
    // What a gRPC stream throws is a status.
    const { code, metadata } = error as ServiceError;
    const details = String(metadata.get('grpc-status-details-bin')[0] ?? '');
    return { status: status[code], challenge: metadata.get('www-authenticate')[0], details };
  }
}

test('an order is placed, and listed to the one who placed it', async () => {
  const scope = 'orders:read orders:write';
  expect(await call('Place', { item: 'tea' }, { scope })).toMatchObject({
    status: 'OK',
    replies: [{ item: 'tea' }],
  });
  expect(await call('List', {}, { scope })).toMatchObject({ replies: [{ item: 'tea' }] });
  expect(await call('List', {}, { sub: 'mallory', scope })).toEqual({ status: 'OK', replies: [] });
});

test('without a token nobody comes in, on unary calls and on streams', async () => {
  for (const name of ['Place', 'List']) {
    const { status, challenge } = await call(name, {});
    expect({ name, status }).toEqual({ name, status: 'UNAUTHENTICATED' });
    expect(challenge).toContain('Bearer');
  }
});

test('a caller who may only read cannot write', async () => {
  const denied = await call('Place', { item: 'tea' }, { scope: 'orders:read' });
  expect(denied.status).toBe('PERMISSION_DENIED');
});

test('a method that nobody knows is denied like one that nobody listed', async () => {
  const denied = await call('Drop', {}, { scope: 'orders:write' });
  expect(denied.status).toBe('PERMISSION_DENIED');
});

test('one caller over the limit is denied, and others are not', async () => {
  const greedy = { sub: 'greedy', scope: 'orders:write' };
  const calls = await Promise.all(
    Array.from({ length: 60 }, () => call('Place', { item: 'tea' }, greedy)),
  );
  expect(calls.some(({ status }) => status === 'RESOURCE_EXHAUSTED')).toBe(true);
  const modest = await call('Place', { item: 'tea' }, { sub: 'modest', scope: 'orders:write' });
  expect(modest.status).toBe('OK');
});

test('a stranger may watch health ten times at once', async () => {
  const watch = healthService['Watch'] as MethodDefinition<object, object>;
  const streams = Array.from({ length: 15 }, () =>
    client.makeServerStreamRequest(
      watch.path,
      watch.requestSerialize,
      watch.responseDeserialize,
      {},
      new Metadata(),
    ),
  );
  const outcomes = await Promise.all(
    streams.map(
      (stream) =>
        new Promise<string>((resolve) => {
          stream.on('data', () => resolve('watching'));
          stream.on('error', ({ code }: ServiceError) => resolve(status[code]));
        }),
    ),
  );
  for (const stream of streams) stream.cancel();
  expect(outcomes.filter((outcome) => outcome === 'watching')).toHaveLength(10);
  expect(outcomes.filter((outcome) => outcome === 'RESOURCE_EXHAUSTED')).toHaveLength(5);
});

test('a message that is not as the schema says is denied, and its field is named', async () => {
  const scope = 'orders:write';
  for (const item of ['', 'x'.repeat(200)]) {
    const denied = await call('Place', { item }, { sub: 'val', scope });
    expect(denied.status).toBe('INVALID_ARGUMENT');
    expect(denied.details).toMatch(
      /input\.[a-z_]+.*BadRequest.*item.*docs\.example\.com\/denials#input/s,
    );
  }
  expect((await call('Place', { item: 'tea' }, { sub: 'val', scope })).status).toBe('OK');
});

test('a client without a certificate from our CA cannot connect', async () => {
  const other = await (await createAuthority('other')).issue('front');
  for (const [identity, answer] of [
    [undefined, status.UNAVAILABLE],
    [other, status.UNAVAILABLE],
    // A load balancer of ours needs no token to check the health.
    [own, undefined],
  ] as const) {
    const ssl = credentials.createSsl(authority.cert, identity?.key, identity?.cert);
    const stranger = new Client(`127.0.0.1:${port}`, ssl, {
      ...OVERRIDE,
      'grpc.use_local_subchannel_pool': 1,
    });
    const { path, requestSerialize, responseDeserialize } = healthService[
      'Check'
    ] as MethodDefinition<object, object>;
    const code = await new Promise((resolve) => {
      stranger.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error) =>
        resolve(error?.code),
      );
    });
    stranger.close();
    expect(code).toBe(answer);
  }
});

test('a client gets another token where the one it has is denied', async () => {
  const asked: (string | undefined)[] = [];
  const orders = createClient(
    `127.0.0.1:${port}`,
    channel().credentials,
    async (denied) => {
      asked.push(denied);
      const token = await issuer.token({ sub: 'job', scope: 'orders:write' });
      return { token: denied === undefined ? 'worn.out.token' : token };
    },
    OVERRIDE,
  );
  const { path, requestSerialize, responseDeserialize } = ordersService[
    'Place'
  ] as MethodDefinition<object, object>;
  const placed = await new Promise((resolve, reject) => {
    orders.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { item: 'tea' },
      (error, order) => (error ? reject(error) : resolve(order)),
    );
  });
  orders.close();
  expect(placed).toMatchObject({ item: 'tea' });
  expect(asked).toEqual([undefined, 'worn.out.token']);
});

test('reflection is denied where it was not asked for, and shown to operators where it was', async () => {
  const { started, bound } = await start({ reflection: true });
  const [plain, reflecting] = [port, bound].map(
    (at) => new Client(`127.0.0.1:${at}`, channel().credentials, OVERRIDE),
  ) as [Client, Client];
  const { path, requestSerialize, responseDeserialize } = reflectionService[
    'ServerReflectionInfo'
  ] as MethodDefinition<object, object>;
  const ask = async (of: Client, scope: string): Promise<string> => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await issuer.token({ scope })}`);
    const stream = of.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    stream.write({ listServices: '' });
    stream.write({ fileContainingSymbol: 'shop.v1.Order' });
    stream.end();
    try {
      const answers: unknown[] = [];
      for await (const answer of stream) answers.push(answer);
      return JSON.stringify(answers);
    } catch (error) {
      return status[(error as ServiceError).code];
    }
  };
  expect(await ask(plain, 'operations')).toBe('PERMISSION_DENIED');
  expect(await ask(reflecting, 'orders:read')).toBe('PERMISSION_DENIED');
  expect(await ask(reflecting, 'operations')).toMatch(/"shop\.v1\.Orders".*fileDescriptorProto/);
  for (const each of [plain, reflecting]) each.close();
  started.forceShutdown();
});

test('requests that no client of gRPC would send are denied, and place nothing', async () => {
  const session = connect(`https://127.0.0.1:${port}`, {
    ca: authority.cert,
    key: own.key,
    cert: own.cert,
    servername: 'shop.example',
  });
  session.on('error', () => undefined);
  const authorization = `Bearer ${await issuer.token({ sub: 'eve', scope: 'orders:write orders:read' })}`;
  const whole = Buffer.of(0, 0, 0, 0, 5, 0x0a, 3, 0x74, 0x65, 0x61);
  const raw = async (fields: Record<string, string>, body: Buffer): Promise<string> => {
    const stream = session.request({
      ':method': 'POST',
      'content-type': 'application/grpc',
      'grpc-timeout': '5S',
      authorization,
      ...fields,
    });
    const seen: Record<string, unknown> = {};
    stream.on('response', (head) => Object.assign(seen, head));
    stream.on('trailers', (trailers) => Object.assign(seen, trailers));
    stream.on('error', () => undefined);
    stream.resume().end(body);
    await once(stream, 'close');
    const code = seen['grpc-status'];
    return code === undefined ? String(seen[':status']) : String(status[Number(code)]);
  };
  const [place, imports] = [
    { ':path': '/shop.v1.Orders/Place' },
    { ':path': '/shop.v1.Orders/Import' },
  ];
  const attacks: readonly [Record<string, string>, Buffer, string][] = [
    [{ ...place, ':method': 'PUT' }, whole, '405'],
    [{ ...place, 'content-type': 'application/grpc-web' }, whole, '415'],
    [{ ...place, 'grpc-timeout': '-5S' }, whole, 'INVALID_ARGUMENT'],
    [{ ...place, 'grpc-timeout': '' }, whole, 'INVALID_ARGUMENT'],
    [{ ...place, authorization: 'Bearer x.y.z' }, whole, 'UNAUTHENTICATED'],
    [place, Buffer.concat([Buffer.of(1), whole.subarray(1)]), 'INTERNAL'],
    [place, Buffer.concat([whole, whole]), 'UNIMPLEMENTED'],
    [place, whole.subarray(0, 8), 'INVALID_ARGUMENT'],
    [imports, Buffer.of(0, 255, 255, 255, 255), 'RESOURCE_EXHAUSTED'],
    [{ ':path': '/shop.v1.Orders/Place/' }, whole, 'PERMISSION_DENIED'],
    [{ ':path': '//shop.v1.Orders/Place' }, whole, 'PERMISSION_DENIED'],
  ];
  for (const [fields, body, answer] of attacks) {
    expect([fields, await raw(fields, body)]).toEqual([fields, answer]);
  }
  expect(await call('List', {}, { sub: 'eve', scope: 'orders:read' })).toMatchObject({
    replies: [],
  });
  expect(await raw(place, whole)).toBe('OK');
  session.destroy();
});

/** The orders that a stream of these ids gives, and how it ended. */
async function track(claims: Parameters<TestIssuer['token']>[0], ids: readonly string[]) {
  const method = ordersService['Track'] as MethodDefinition<object, object>;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await issuer.token(claims)}`);
  const stream = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadata,
  );
  const items: string[] = [];
  const ended = new Promise<string>((resolve) => {
    stream.on('data', ({ item }: { item: string }) => items.push(item));
    stream.on('error', ({ code }: ServiceError) => resolve(status[code]));
    stream.on('end', () => resolve('OK'));
  });
  for (const id of ids) stream.write({ id });
  stream.end();
  return { ended: await ended, items };
}

test('a stream ends at the message that names the order of another caller', async () => {
  const scope = 'orders:read orders:write';
  const place = async (sub: string, item: string) => {
    const { replies = [] } = await call('Place', { item }, { sub, scope });
    const [placed] = replies as { id: string }[];
    return placed?.id ?? '';
  };
  const [tea, milk] = [await place('tracy', 'tea'), await place('tracy', 'milk')];
  expect(await track({ sub: 'tracy', scope }, [tea, milk])).toEqual({
    ended: 'OK',
    items: ['tea', 'milk'],
  });
  const other = await place('trent', 'gold');
  expect(await track({ sub: 'tracy', scope }, [other, tea])).toEqual({
    ended: 'PERMISSION_DENIED',
    items: [],
  });
});
