import { discoverIssuer } from '@apisec/core';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServer, healthService, ordersService } from '../src/server.ts';

let issuer: TestIssuer;
let server: Server;
let client: Client;

beforeAll(async () => {
  issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  server = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  server.forceShutdown();
  await issuer.close();
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
  );
  const replies: unknown[] = [];
  try {
    for await (const reply of stream) replies.push(reply);
    return { status: 'OK', replies };
  } catch (error) {
    // What a gRPC stream throws is a status.
    const { code, metadata } = error as ServiceError;
    return { status: status[code], challenge: metadata.get('www-authenticate')[0] };
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

test('who may read may not write', async () => {
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
