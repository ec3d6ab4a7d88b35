import {
  type ApiKeyRecord,
  type ApiKeyStore,
  apiKeys,
  ConfigurationError,
  type Duration,
  memoryApiKeyStore,
} from '@apisec/core';
import {
  connectRedis,
  connectRedisCluster,
  redisApiKeyCache,
  redisRevocationStore,
} from '@apisec/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchedCache } from '../src/api-keys/watched-cache.ts';
import { hasRedis, open, type RedisServer, startCluster, startRedis } from './redis-server.ts';
import { wait } from './wait.ts';

const HOUR = 3_600_000;

describe.runIf(hasRedis)('with a server', () => {
  let server: RedisServer;
  let admin: Redis;

  beforeEach(async () => {
    server = await startRedis();
    admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
    admin.on('error', () => undefined);
  });
  afterEach(async () => {
    admin.disconnect();
    await server.close();
  });

  const connect = () => open(connectRedis(server.url));

  describe('revocations, remembered locally', () => {
    const storeOf = async (cached?: { maxStaleness: Duration; now?: () => number }) =>
      redisRevocationStore({ client: await connect(), timeout: '5s', cached });
    type Store = Awaited<ReturnType<typeof storeOf>>;
    /** Asks until the answer is known without asking the server. */
    const remembered = (store: Store, key: string): Promise<boolean> =>
      vi.waitFor(async () => {
        const answer = store.isRevoked([key], 0);
        if (typeof answer === 'boolean') return answer;
        await answer;
        throw new Error('not yet');
      }, 20_000);
    const hears = (store: Store, key: string): Promise<void> =>
      vi.waitFor(async () => expect(await store.isRevoked([key], 0)).toBe(true), 5_000);

    test('a known key costs no command, and asking for many keys costs one', async () => {
      const store = await storeOf({ maxStaleness: '1h' });
      expect(await remembered(store, 'a')).toBe(false);
      await admin.config('RESETSTAT');
      for (let call = 0; call < 100; call++) expect(store.isRevoked(['a'], 0)).toBe(false);
      expect(await store.isRevoked(['a', 'b', 'c', 'd'], 0)).toBe(false);
      expect(/cmdstat_mget:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]).toBe('1');
    });

    test('not remembered, each call costs one command, however many keys it asks for', async () => {
      const store = await storeOf();
      await store.isRevoked(['a'], 0);
      await admin.config('RESETSTAT');
      for (let call = 0; call < 3; call++) await store.isRevoked(['a', 'b', 'c', 'd'], 0);
      expect(/cmdstat_mget:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]).toBe('3');
    });

    test('a revocation by another process, and its lifting, are noticed', async () => {
      const [store, other] = [await storeOf({ maxStaleness: '1h' }), await storeOf()];
      expect(await remembered(store, 'a')).toBe(false);
      await other.revoke({ key: 'a', ttl: HOUR });
      await hears(store, 'a');
      expect(await remembered(store, 'a')).toBe(true);
      await other.lift('a');
      await vi.waitFor(async () => expect(await store.isRevoked(['a'], 0)).toBe(false), 5_000);
    });

    test('one by this process holds at once', async () => {
      const store = await storeOf({ maxStaleness: '1h' });
      expect(await remembered(store, 'a')).toBe(false);
      await store.revoke({ key: 'a', ttl: HOUR });
      expect(await store.isRevoked(['a'], 0)).toBe(true);
    });

    test('a message that is lost makes an answer no older than maxStaleness', async () => {
      let time = 0;
      const store = await storeOf({ maxStaleness: '1s', now: () => time });
      expect(await remembered(store, 'a')).toBe(false);
      await admin.set('apisec:{revocations}:all:=a', '1');
      time = 999;
      expect(store.isRevoked(['a'], 0)).toBe(false);
      time = 1_000;
      expect(await store.isRevoked(['a'], 0)).toBe(true);
    });

    test('nothing is cached while changes cannot be received, and caching resumes afterwards', async () => {
      const store = await storeOf({ maxStaleness: '1h' });
      expect(await remembered(store, 'a')).toBe(false);
      await admin.call('ACL', 'SETUSER', 'default', '-subscribe');
      await admin.set('apisec:{revocations}:all:=a', '1');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await hears(store, 'a');
      for (let call = 0; call < 5; call++) {
        await wait(20);
        expect(store.isRevoked(['a'], 0)).toBeInstanceOf(Promise);
      }
      await admin.call('ACL', 'SETUSER', 'default', '+subscribe');
      expect(await remembered(store, 'a')).toBe(true);
    });

    test('no reading that a change or an interruption overtook is kept', async () => {
      const cache = watchedCache<number>(await connect(), 'changes', {
        maxStalenessMs: HOUR,
        maxEntries: 10_000,
        now: () => performance.now(),
      });
      const open = () =>
        vi.waitFor(() => {
          cache.reading()('probe', 1);
          expect(cache.get('probe')).toBe(1);
        }, 20_000);
      await open();
      const [heard, cut, whole] = [cache.reading(), cache.reading(), cache.reading()];
      whole('a', 1);
      expect(cache.get('a')).toBe(1);
      await admin.publish('changes', 'a');
      await vi.waitFor(() => expect(cache.get('a')).toBeUndefined(), 20_000);
      heard('a', 1);
      expect(cache.get('a')).toBeUndefined();
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await vi.waitFor(() => expect(cache.get('probe')).toBeUndefined(), 20_000);
      await open();
      cut('a', 1);
      expect(cache.get('a')).toBeUndefined();
    });

    test('many revocations while others ask: afterwards all are noticed', async () => {
      const [store, other] = [await storeOf({ maxStaleness: '1h' }), await storeOf()];
      await remembered(store, 'first');
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
      const both = keys.map(async (key, index) => {
        await wait(index % 7);
        const asked = store.isRevoked([key], 0);
        await other.revoke({ key, ttl: HOUR });
        await asked;
      });
      await Promise.all(both);
      for (const key of keys) await hears(store, key);
    });

    test('more keys than it may hold take no more room, and are answered all the same', async () => {
      const client = await connect();
      const cached = { maxStaleness: '1h', maxEntries: 10 } as const;
      const store = redisRevocationStore({ client, timeout: '5s', cached });
      await remembered(store, 'first');
      for (let index = 0; index < 50; index++) await store.isRevoked([`key ${index}`], 0);
      const known = Array.from({ length: 50 }, (_, index) => store.isRevoked([`key ${index}`], 0));
      await Promise.all(known.map(async (answer) => answer));
      const remembering = known.filter((answer) => typeof answer === 'boolean');
      expect(remembering.length).toBeGreaterThan(0);
      expect(remembering.length).toBeLessThanOrEqual(10);
    });

    test('a client that is closed leaves no connection behind', async () => {
      const client = await connect();
      const store = redisRevocationStore({ client, cached: { maxStaleness: '1h' } });
      await remembered(store, 'a');
      client.disconnect();
      await vi.waitFor(async () => {
        const list = String(await admin.call('CLIENT', 'LIST'));
        expect(list.trim().split('\n')).toHaveLength(1);
      }, 20_000);
      await expect(store.isRevoked(['b'], 0)).rejects.toThrow();
    });
  });

  describe('API keys', () => {
    const record = (id: string): ApiKeyRecord => ({
      id,
      namespace: 'acme_live',
      name: 'one',
      version: 0,
      generation: 0,
      owner: { type: 'user', id: 'u1' },
      secret: { hash: 'a'.repeat(64), pepper: 'v1' },
      status: 'enabled',
      createdAt: 0,
      updatedAt: 0,
    });
    /** A store that counts how often it is read. */
    const counting = () => {
      const store = memoryApiKeyStore();
      const reads = { count: 0 };
      const get: ApiKeyStore['get'] = (id) => {
        reads.count++;
        return store.get(id);
      };
      return { store: { ...store, get }, reads };
    };
    const cacheOf = async (store: ApiKeyStore, options: object = {}) =>
      redisApiKeyCache(store, { client: await connect(), timeout: '5s', ...options });

    test('a row is read once for all processes', async () => {
      const { store, reads } = counting();
      const [one, other] = [await cacheOf(store), await cacheOf(store)];
      await one.insert(record('a'));
      expect(await one.get('a')).toMatchObject({ name: 'one' });
      await vi.waitFor(async () => {
        const before = reads.count;
        expect(await other.get('a')).toMatchObject({ name: 'one' });
        expect(reads.count).toBe(before);
      }, 20_000);
    });

    test('a change by one process is announced to all others, and seen by them', async () => {
      const { store } = counting();
      const [one, other] = [await cacheOf(store), await cacheOf(store)];
      const told: string[] = [];
      other.onChange?.((id) => told.push(id));
      await one.insert(record('a'));
      for (const cache of [one, other]) await cache.get('a');
      await vi.waitFor(async () => {
        const { version } = (await store.get('a')) as ApiKeyRecord;
        await one.replace({ ...record('a'), version, name: 'two' });
        expect(told).toContain('a');
      }, 20_000);
      expect(await other.get('a')).toMatchObject({ name: 'two' });
    });

    test('a change that was not announced is seen after maxStaleness at most', async () => {
      const { store } = counting();
      const cache = await cacheOf(store, { maxStaleness: '400ms' });
      expect(cache.maxStaleness).toBe(400);
      await cache.insert(record('a'));
      await cache.get('a');
      // It is remembered from before it was read.
      const started = performance.now();
      await store.replace({ ...record('a'), name: 'two' });
      const names = new Set<string | undefined>();
      while (performance.now() - started < 400) {
        names.add((await cache.get('a'))?.name);
        await wait(5);
      }
      expect(names).toContain('one');
      await wait(50);
      expect(await cache.get('a')).toMatchObject({ name: 'two' });
    });

    test('a read that began before a change does not put the old row back after it', async () => {
      const { store } = counting();
      let goOn = (): void => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const one = await cacheOf({
        ...store,
        get: async (id) => {
          const read = await store.get(id);
          await held;
          return read;
        },
      });
      const other = await cacheOf(store);
      await other.insert(record('a'));
      const reading = one.get('a');
      await vi.waitFor(async () => expect(await admin.keys('*api-key*')).toHaveLength(1), 20_000);
      await other.replace({ ...record('a'), name: 'two' });
      expect(await other.get('a')).toMatchObject({ name: 'two' });
      await vi.waitFor(
        async () =>
          expect(await admin.get(String((await admin.keys('*api-key*'))[0]))).toContain('two'),
        20_000,
      );
      goOn();
      expect(await reading).toMatchObject({ name: 'one' });
      await wait(50);
      expect(await other.get('a')).toMatchObject({ name: 'two' });
    });

    test('ids that nobody has leave nothing behind', async () => {
      const cache = await cacheOf(memoryApiKeyStore());
      await Promise.all(Array.from({ length: 50 }, async (_, index) => cache.get(`none ${index}`)));
      await vi.waitFor(async () => expect(await admin.dbsize()).toBe(0), 20_000);
    });

    test('a value that is not a row of this id is not taken for one', async () => {
      const { store } = counting();
      const cache = await cacheOf(store);
      await cache.insert(record('a'));
      await cache.get('a');
      const [name = ''] = await vi.waitFor(async () => {
        const names = await admin.keys('*');
        expect(await admin.get(String(names[0]))).toContain('{');
        return names;
      }, 20_000);
      for (const text of [JSON.stringify(record('b')), '{', '{}', 'null', '[]', '']) {
        await admin.set(name, text);
        expect(await cache.get('a')).toMatchObject({ id: 'a' });
      }
    });

    test('while Redis does not answer the store does, and no change is undone when it is back', async () => {
      const { store } = counting();
      const maxStaleness = '1m';
      const cache = await cacheOf(store, {
        timeout: '500ms',
        maxStaleness,
        breaker: { failures: 1, pause: '300ms' },
      });
      const other = await cacheOf(store, { maxStaleness });
      await cache.insert(record('a'));
      await cache.get('a');
      await vi.waitFor(
        async () => expect(await admin.get(String((await admin.keys('*'))[0]))).toContain('{'),
        20_000,
      );
      server.pause();
      expect(await cache.get('a')).toMatchObject({ name: 'one' });
      // The breaker is open, so Redis never hears of it.
      expect(await cache.replace({ ...record('a'), name: 'two' })).toBe(true);
      server.resume();
      await wait(400);
      expect(await other.get('a')).toMatchObject({ name: 'one' });
      expect(await cache.get('a')).toMatchObject({ name: 'two' });
    });

    test('a key that is revoked on one node is denied on the others within a message', async () => {
      const store = memoryApiKeyStore();
      const pepper = crypto.getRandomValues(new Uint8Array(32));
      const keysOf = async () =>
        apiKeys({
          prefix: 'acme',
          environment: 'live',
          store: await cacheOf(store),
          peppers: { current: 'v1', keys: { v1: pepper } },
          maxRevocationDelay: '1h',
        });
      const [one, other] = [await keysOf(), await keysOf()];
      const issued = await one.issue({ name: 'n', owner: { type: 'user', id: 'u1' } });
      if (!issued.ok) throw new Error(issued.reason);
      expect(await other.verify(issued.key)).toMatchObject({ ok: true });
      // Told once the subscription stands; before that the bound would be all there is.
      await vi.waitFor(async () => {
        const [, heard] = (await admin.pubsub('NUMSUB', 'apisec:api-keys')) as [string, number];
        expect(heard).toBe(2);
      }, 20_000);
      await one.revoke(issued.info.id);
      await vi.waitFor(
        async () =>
          expect(await other.verify(issued.key)).toMatchObject({ code: 'api_key.revoked' }),
        20_000,
      );
    });

    test('a bound that apiKeys could not keep is denied', async () => {
      const store = await cacheOf(memoryApiKeyStore(), { maxStaleness: '5s' });
      const peppers = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
      const options = { prefix: 'acme', environment: 'live', store, peppers };
      expect(() => apiKeys({ ...options, maxRevocationDelay: '4999ms' })).toThrow(
        ConfigurationError,
      );
      expect(() => apiKeys({ ...options, maxRevocationDelay: '5s' })).not.toThrow();
    });
  });
});

test.runIf(hasRedis)(
  'in a cluster every node is heard, also when the subscription is cut',
  async () => {
    const nodes = await startCluster();
    onTestFinished(async () => void (await Promise.all(nodes.map((node) => node.close()))));
    const ports = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const connect = () => open(connectRedisCluster(ports));
    const [reader, writer] = [await connect(), await connect()];
    const store = redisRevocationStore({
      client: reader,
      timeout: '5s',
      cached: { maxStaleness: '1h' },
    });
    const other = redisRevocationStore({ client: writer, timeout: '5s' });
    for (let round = 0; round < 5; round++) {
      const key = `key ${round}`;
      await vi.waitFor(async () => {
        const answer = store.isRevoked([key], 0);
        await answer;
        expect(answer).toBe(false);
      }, 10_000);
      await other.revoke({ key, ttl: HOUR });
      await vi.waitFor(async () => expect(await store.isRevoked([key], 0)).toBe(true), 5_000);
      // Whichever node the subscription is on: it is replaced.
      await Promise.all(
        nodes.map(async ({ url }) => {
          const admin = new Redis(url);
          await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
          admin.disconnect();
        }),
      );
    }
  },
);

test.each([
  ['no staleness', { maxStaleness: '0s' }],
  ['staleness without its unit', { maxStaleness: 5_000 as never }],
  ['room for nothing', { maxStaleness: '1s', maxEntries: 1 }],
])('cannot be constructed with %s', (_name, cached) => {
  const client = connectRedis('redis://127.0.0.1:1', { lazyConnect: true });
  expect(() => redisRevocationStore({ client, cached } as never)).toThrow(ConfigurationError);
  client.disconnect();
});

test.each([
  ['staleness without its unit', { maxStaleness: 10_000 as never }],
  ['no staleness', { maxStaleness: '0s' }],
])('cannot be constructed with %s', (_name, options) => {
  const client = connectRedis('redis://127.0.0.1:1', { lazyConnect: true });
  const cache = () => redisApiKeyCache(memoryApiKeyStore(), { client, ...options } as never);
  expect(cache).toThrow(ConfigurationError);
  client.disconnect();
});
