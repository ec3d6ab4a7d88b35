import { concurrencyLimit, fixedWindow, type LimitAnswer } from '@apisec/core';
import {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  redisLeaseStore,
  redisLimitStore,
} from '@apisec/redis';
import { Cluster } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type LossyProxy, startLossyProxy } from './lossy-proxy.ts';
import {
  hasRedis,
  open,
  type RedisServer,
  startCluster,
  startClusterNode,
  startRedis,
} from './redis-server.ts';

const HUNDRED = fixedWindow({ limit: 100, window: '1h' });
const request = new Request('https://api.example.com/');

/** Milliseconds; far above what an answer takes, so that only what is lost fails. */
const timeout = '2s';

describe.runIf(hasRedis).each([
  ['one server', false],
  ['a cluster', true],
])('replies that are lost: %s', (_name, isCluster) => {
  let server: RedisServer;
  let proxy: LossyProxy;
  let client: RedisClient;

  beforeEach(async () => {
    server = await (isCluster
      ? startClusterNode(['--cluster-announce-ip', '127.0.0.1'])
      : startRedis());
    proxy = await startLossyProxy(server.port);
    if (!isCluster) {
      client = await open(connectRedis(`redis://127.0.0.1:${proxy.port}`));
      return;
    }
    const admin = await open(connectRedis(server.url));
    await admin.cluster('ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
    await vi.waitFor(async () => expect(await admin.cluster('INFO')).toContain('state:ok'), 10_000);
    const natMap = { [`127.0.0.1:${server.port}`]: { host: '127.0.0.1', port: proxy.port } };
    client = await open(connectRedisCluster([{ host: '127.0.0.1', port: proxy.port }], { natMap }));
  });
  afterEach(async () => {
    await proxy.close();
    await server.close();
  });

  test('a call whose reply was lost is counted once, and denied', async () => {
    const store = redisLimitStore({ client, timeout });
    const ask = (key: string, cost: number) =>
      store.consume([{ name: 'api', key, limit: HUNDRED, cost }]);
    await ask('warm', 1);
    proxy.loseReplyTo('lost');
    await expect(ask('lost', 10)).rejects.toThrow();
    expect(proxy.lost()).toBe(1);
    const { verdicts } = await vi.waitFor(() => ask('lost', 0), 5_000);
    expect(verdicts[0]?.remaining).toBe(90);
  });

  test('a lease whose reply was lost is given back', async () => {
    const store = redisLeaseStore({ client, timeout });
    const lease = { name: 'exports', limit: 1, ttl: 60_000 };
    await store.acquire({ ...lease, key: 'warm' });
    const wanted = { ...lease, key: 'lost' };
    proxy.loseReplyTo('lost');
    await expect(store.acquire(wanted)).rejects.toThrow();
    await vi.waitFor(
      async () => expect(await store.acquire(wanted)).toMatchObject({ allowed: true }),
      { timeout: 5_000, interval: 100 },
    );
  });
});

test.runIf(hasRedis)('a machine that lost its network: the one in its place is found', async () => {
  const server = await startRedis();
  const proxy = await startLossyProxy(server.port);
  onTestFinished(async () => {
    await proxy.close();
    await server.close();
  });
  const client = await open(connectRedis(`redis://127.0.0.1:${proxy.port}`));
  const store = redisLimitStore({ client, timeout: '200ms', breaker: { pause: '200ms' } });
  const ask = () => store.consume([{ name: 'api', key: 'a', limit: HUNDRED, cost: 1 }]);
  await ask();
  proxy.fallSilent();
  await expect(ask()).rejects.toThrow('no answer');
  await vi.waitFor(ask, { timeout: 20_000, interval: 100 });
});

describe.runIf(hasRedis)('leases', () => {
  test('that end while Redis is away are given back when it is there again', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const client = await open(connectRedis(server.url));
    const store = redisLeaseStore({
      client,
      timeout: '100ms',
      breaker: { failures: 2, pause: '100ms' },
    });
    const policy = concurrencyLimit({ store, name: 'exports', limit: 2, by: 'everyone' });
    const running = [await policy.check(request, {}), await policy.check(request, {})];
    expect(running.map(({ ok }) => ok)).toEqual([true, true]);
    expect(await policy.check(request, {})).toMatchObject({
      ok: false,
      denial: { code: 'limit.concurrency' },
    });
    server.pause();
    const denied = await Promise.all(
      Array.from({ length: 4 }, async () => policy.check(request, {})),
    );
    expect(denied.every(({ ok }) => !ok)).toBe(true);
    for (const { obligations } of running) {
      const list = Array.isArray(obligations) ? obligations : [obligations];
      for (const each of list) {
        await expect(each?.onComplete?.({ outcome: 'succeeded' })).rejects.toThrow();
      }
    }
    server.resume();
    await vi.waitFor(
      async () => {
        const next = await Promise.all([policy.check(request, {}), policy.check(request, {})]);
        expect(next.map(({ ok }) => ok)).toEqual([true, true]);
      },
      { timeout: 10_000, interval: 200 },
    );
  });

  test('are not given back by a client that was closed, unless it is connected again', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const client = await open(connectRedis(server.url));
    const store = redisLeaseStore({ client });
    const lease = { name: 'exports', limit: 1, ttl: 60_000, key: 'a' };
    const held = await store.acquire(lease);
    client.disconnect();
    await vi.waitFor(() => expect(client.status).toBe('end'));
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    await expect(store.release(lease, held.lease ?? '')).rejects.toThrow();
    const pauses = timers.mock.calls.filter(([, ms]) => ms === 500);
    expect(pauses).toEqual([]);
    await client.connect();
    await vi.waitFor(
      async () => expect(await store.acquire(lease)).toMatchObject({ allowed: true }),
      { timeout: 5_000, interval: 100 },
    );
  });
});

describe.runIf(hasRedis)('a cluster of three nodes, one of which dies', () => {
  test('serves the callers of the others as before', async () => {
    const nodes = await startCluster();
    onTestFinished(async () => {
      await Promise.all(nodes.map((node) => node.close()));
    });
    const client = await open(
      connectRedisCluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port }))),
    );
    const store = redisLimitStore({ client, slots: 'key', timeout: '500ms' });
    const ask = (key: string) => store.consume([{ name: 'api', key, limit: HUNDRED, cost: 1 }]);
    const keys = Array.from({ length: 60 }, (_, index) => `caller ${index}`);
    await vi.waitFor(() => Promise.all(keys.map(ask)), 5_000);
    await nodes[0]?.kill();
    // Until the cluster notes that it is down, which stops all of it, the others go on.
    const rounds: PromiseSettledResult<LimitAnswer>[][] = [];
    for (let round = 0; round < 4; round++) {
      rounds.push(await Promise.allSettled(keys.map(ask)));
    }
    const served = keys.map((_, index) =>
      rounds.every((round) => round[index]?.status === 'fulfilled'),
    );
    const failing = keys.map((_, index) =>
      rounds.every((round) => round[index]?.status === 'rejected'),
    );
    // A third of the keys lives on each; what one call of a caller got, all of them got.
    expect(served.filter(Boolean).length).toBeGreaterThanOrEqual(25);
    expect(served.filter(Boolean).length + failing.filter(Boolean).length).toBe(keys.length);
  });
});

test('a cluster client that sends commands again is denied', () => {
  const client = new Cluster([{ host: '127.0.0.1', port: 1 }], {
    lazyConnect: true,
    enableOfflineQueue: false,
    redisOptions: { autoResendUnfulfilledCommands: false },
  });
  expect(() => redisLimitStore({ client })).toThrow('retryDelayOnFailover');
  client.disconnect();
});

test('a cluster client that reads from replicas is denied', () => {
  const nodes = [{ host: '127.0.0.1', port: 1 }];
  // As from JavaScript: the type has no such option.
  const options = { lazyConnect: true, scaleReads: 'slave' };
  const client = connectRedisCluster(nodes, options);
  expect(() => redisLimitStore({ client })).toThrow('scaleReads');
  client.disconnect();
});
