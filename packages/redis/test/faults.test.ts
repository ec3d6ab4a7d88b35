import { stat } from 'node:fs/promises';
import type { Duration } from '@apisec/core';
import {
  ConfigurationError,
  fixedWindow,
  type LimitRequest,
  type Outcome,
  rateLimit,
  slidingWindow,
  tokenBucket,
} from '@apisec/core';
import { connectRedis, redisCounterStore, redisLeaseStore, redisLimitStore } from '@apisec/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasRedis, type RedisServer, ready, startRedis } from './redis-server.ts';
import { wait } from './wait.ts';

const HUNDRED = fixedWindow({ limit: 100, window: '1h' });
/** Milliseconds. Long enough that a busy machine answers in time. */
const TIMEOUT = 500;

function ask(key: string, limit = HUNDRED): readonly LimitRequest[] {
  return [{ name: 'api', key, limit, cost: 1 }];
}

/** How long something took to end, either way, in milliseconds. */
async function timed(task: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task.then(
    () => undefined,
    () => undefined,
  );
  return performance.now() - start;
}

describe.runIf(hasRedis)('while Redis fails', () => {
  let server: RedisServer;
  let admin: Redis;
  const unhandled: unknown[] = [];
  const note = (cause: unknown): void => void unhandled.push(cause);

  beforeEach(async () => {
    server = await startRedis();
    admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
    admin.on('error', () => undefined);
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    process.off('unhandledRejection', note);
    admin.disconnect();
    await server.close();
    expect(unhandled).toEqual([]);
  });

  const open = async ({
    timeout = '5s',
    pause = '100ms',
  }: {
    readonly timeout?: Duration;
    readonly pause?: Duration;
  } = {}) => {
    const client = connectRedis(server.url);
    onTestFinished(() => client.disconnect());
    await ready(client);
    const store = redisLimitStore({ client, timeout, breaker: { failures: 3, pause } });
    return { client, store };
  };

  const recovers = async (store: Awaited<ReturnType<typeof open>>['store']): Promise<void> => {
    await vi.waitFor(() => store.consume(ask('after')), { timeout: 10_000, interval: 50 });
  };

  test('exactly the limit is admitted of many concurrent calls', async () => {
    const { store } = await open();
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => store.consume(ask('many'))),
    );
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(100);
  });

  test('three limits are one command, as one is', async () => {
    const { store } = await open();
    await store.consume(ask('warm'));
    await admin.config('RESETSTAT');
    const names = ['user', 'tenant', 'all'];
    await store.consume(names.map((name) => ({ name, key: name, limit: HUNDRED, cost: 1 })));
    await store.consume(ask('one'));
    const stats = await admin.info('commandstats');
    expect(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]).toBe('2');
    expect(stats).not.toMatch(/cmdstat_(eval|incr|watch|multi):/);
  });

  test('paused: every answer comes within the budget, and it recovers without a restart', async () => {
    const { store } = await open({ timeout: `${TIMEOUT}ms`, pause: '500ms' });
    await store.consume(ask('before'));
    server.pause();
    const first = await Promise.all(
      Array.from({ length: 50 }, () => timed(store.consume(ask('x')))),
    );
    expect(Math.max(...first)).toBeLessThan(TIMEOUT * 4);
    for (let more = 0; more < 3; more++) await timed(store.consume(ask('x')));
    // The breaker is open now: nobody waits for the timeout again.
    await expect(store.consume(ask('x'))).rejects.toThrow('not asked again yet');
    server.resume();
    await recovers(store);
  });

  test('an answer that came while the process was busy is in time', async () => {
    const { store } = await open({ timeout: '250ms' });
    await store.consume(ask('before'));
    server.pause();
    const answer = store.consume(ask('x'));
    // From here on the loop has read what there is to read, and comes to its timers next.
    await stat(import.meta.filename);
    server.resume();
    const end = performance.now() + 500;
    while (performance.now() < end);
    expect((await answer).allowed).toBe(true);
  });

  test('paused: what it took when nobody waited any more is given back', async () => {
    const { client, store } = await open({ timeout: `${TIMEOUT}ms`, pause: '50ms' });
    const leases = redisLeaseStore({ client, timeout: `${TIMEOUT}ms`, breaker: { failures: 99 } });
    const attempts = redisCounterStore({
      client,
      timeout: `${TIMEOUT}ms`,
      breaker: { failures: 99 },
    });
    const lease = { name: 'exports', key: 'caller', limit: 2, ttl: 60_000 };
    const rule = {
      free: 3,
      delay: 60_000,
      maxDelay: 60_000,
      lockAfter: 9,
      lockFor: 60_000,
      forgetAfter: 600_000,
    };
    const attempt = [{ name: 'login', key: 'alice', rule }];
    const two = ['caller', 'tenant'].map((name) => ({
      name,
      key: 'x',
      limit: HUNDRED,
      cost: 10,
    }));
    await store.consume(two);
    await leases.acquire({ ...lease, key: 'warm' });
    server.pause();
    const load = await Promise.allSettled([
      ...Array.from({ length: 3 }, () => store.consume(two)),
      ...Array.from({ length: 3 }, () => leases.acquire(lease)),
      ...Array.from({ length: 3 }, () => attempts.attempt(attempt)),
    ]);
    expect(load.every(({ status }) => status === 'rejected')).toBe(true);
    server.resume();
    await vi.waitFor(
      async () => {
        const { verdicts } = await store.consume(two.map((one) => ({ ...one, cost: 0 })));
        expect(verdicts.map(({ remaining }) => remaining)).toEqual([90, 90]);
      },
      { timeout: 5_000 },
    );
    const given = await Promise.all([1, 2, 3].map(async () => leases.acquire(lease)));
    expect(given.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    for (const expected of [true, true, true, true, false]) {
      expect((await attempts.attempt(attempt)).allowed).toBe(expected);
    }
  });

  test('an error about one call is no reason to ask nothing more', async () => {
    const { client } = await open();
    const store = redisLimitStore({ client, slots: 'key', breaker: { failures: 1 } });
    await redisLimitStore({ client }).consume(ask('broken'));
    const [broken = ''] = await admin.keys('*broken');
    await admin.set(broken, 'not what a store wrote');
    const shared = redisLimitStore({ client, breaker: { failures: 1 } });
    await expect(shared.consume(ask('broken'))).rejects.toThrow();
    expect((await shared.consume(ask('fine'))).allowed).toBe(true);
    await expect(
      store.consume([...ask('a'), { name: 'other', key: 'b', limit: HUNDRED, cost: 1 }]),
    ).rejects.toThrow('must count the same key');
    expect((await store.consume(ask('a'))).allowed).toBe(true);
  });

  test('killed under load and restarted: nothing hangs, and it recovers', async () => {
    const { store } = await open();
    const load = Promise.allSettled(
      Array.from({ length: 400 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index / 2));
        return store.consume(ask(`k${index}`));
      }),
    );
    await wait(50);
    await server.kill();
    const settled = await load;
    expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
    await server.start();
    await recovers(store);
  });

  test('connections cut under load: no call is counted twice', async () => {
    const { store } = await open();
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      // A key for each call: a double count cannot hide behind a call that was lost.
      // Settled from the start: they may be rejected while the command below is awaited.
      const load = Promise.allSettled(
        Array.from({ length: 100 }, () => store.consume(ask(`cut-${sent++}`))),
      );
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await load;
      await recovers(store);
    }
    const counted = await Promise.all(
      Array.from({ length: sent }, async (_, index) => {
        const key = `cut-${index}`;
        const looked = await store.consume([{ name: 'api', key, limit: HUNDRED, cost: 0 }]);
        return HUNDRED.capacity - (looked.verdicts[0]?.remaining ?? 0);
      }),
    );
    expect(Math.max(...counted)).toBe(1);
  });

  test('scripts forgotten under load: every call is counted once', async () => {
    const { store } = await open();
    const answers = [];
    for (let round = 0; round < 10; round++) {
      const load = Array.from({ length: 9 }, () => store.consume(ask('flush')));
      await admin.script('FLUSH');
      answers.push(...(await Promise.all(load)));
    }
    expect(answers.every(({ allowed }) => allowed)).toBe(true);
    const [verdict] = (
      await store.consume([{ name: 'api', key: 'flush', limit: HUNDRED, cost: 0 }])
    ).verdicts;
    expect(verdict?.remaining).toBe(10);
  });

  test('a clock that was set back locks nobody out for longer than the limit takes', async () => {
    const { store } = await open();
    const hour = 3_600_000;
    for (const limit of [
      tokenBucket({ capacity: 5, refillPerSecond: 5 }),
      fixedWindow({ limit: 5, window: '1s' }),
      slidingWindow({ limit: 5, window: '1s' }),
    ]) {
      const key = `set back ${limit.algorithm}`;
      await store.consume([{ name: 'api', key, limit, cost: 4 }]);
      const [name = ''] = await admin.keys(`*${key}`);
      const bytes = (await admin.getBuffer(name)) ?? expect.fail('nothing is kept');
      // As it would be had the clock been an hour ahead when it was written.
      for (const at of [0, 36]) bytes.writeUIntBE(bytes.readUIntBE(at, 6) + hour, at, 6);
      bytes.writeDoubleBE(bytes.readDoubleBE(20) + hour, 20);
      await admin.set(name, bytes, 'PX', hour + 1_000);
      const { allowed, verdicts } = await store.consume([{ name: 'api', key, limit, cost: 4 }]);
      expect(allowed).toBe(false);
      const retryAfterMs = verdicts[0]?.retryAfterMs ?? 0;
      expect(retryAfterMs).toBeLessThanOrEqual(2_000);
      await wait(retryAfterMs);
      expect((await store.consume([{ name: 'api', key, limit, cost: 4 }])).allowed).toBe(true);
      expect(await admin.pttl(name)).toBeLessThanOrEqual(4_100);
    }
  });

  test('a clock that was set back adds nothing to the pauses after failures', async () => {
    const { client } = await open();
    const attempts = redisCounterStore({ client });
    const rule = {
      free: 1,
      delay: 300,
      maxDelay: 300,
      lockAfter: 9,
      lockFor: 60_000,
      forgetAfter: 600_000,
    };
    const attempt = () => attempts.attempt([{ name: 'login', key: 'alice', rule }]);
    expect((await attempt()).allowed).toBe(true);
    const hour = 3_600_000;
    const [name = ''] = await admin.keys('*alice');
    const bytes = (await admin.getBuffer(name)) ?? Buffer.alloc(24);
    for (const at of [8, 16]) bytes.writeDoubleBE(bytes.readDoubleBE(at) + hour, at);
    await admin.set(name, bytes, 'PX', 2 * hour);
    // The one that is free, and then the pause.
    expect((await attempt()).allowed).toBe(true);
    const { allowed, retryAfterMs } = await attempt();
    expect(allowed).toBe(false);
    expect(retryAfterMs).toBeLessThanOrEqual(300);
    await wait(retryAfterMs);
    expect((await attempt()).allowed).toBe(true);
  });

  test('demoted to a replica: denied while it is one, right again after', async () => {
    const { store } = await open();
    await store.consume(ask('before'));
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    await expect(store.consume(ask('x'))).rejects.toThrow('READONLY');
    await admin.call('REPLICAOF', 'NO', 'ONE');
    await recovers(store);
  });

  test('out of memory: denied while it is, right again after', async () => {
    const { store } = await open();
    await store.consume(ask('before'));
    await admin.config('SET', 'maxmemory', '1');
    await expect(store.consume(ask('x'))).rejects.toThrow('OOM');
    await admin.config('SET', 'maxmemory', '0');
    await recovers(store);
  });

  test('not there from the start: denied at once, and served when it comes', async () => {
    await server.kill();
    const client = connectRedis(server.url);
    onTestFinished(() => client.disconnect());
    const store = redisLimitStore({ client, timeout: `${TIMEOUT}ms`, breaker: { pause: '50ms' } });
    await expect(store.consume(ask('x'))).rejects.toThrow();
    await server.start();
    await recovers(store);
  });

  test.each([
    ['closed', { ok: false, denial: { kind: 'unavailable', code: 'limit.unavailable' } }],
    ['open', { ok: true, degraded: 'limit.uncounted' }],
    ['degrade', { ok: true, degraded: 'limit.local_share' }],
  ] as const)('onStoreFailure: %s is what happens', async (onStoreFailure, expected) => {
    const { store } = await open({ timeout: `${TIMEOUT}ms` });
    const policy = rateLimit({
      store,
      name: 'api',
      limit: tokenBucket({ capacity: 10, refillPerSecond: 1 }),
      by: 'everyone',
      onStoreFailure,
      ...(onStoreFailure === 'degrade' && { localShare: 0.5 }),
    });
    const call = async (): Promise<Outcome> => policy.check(new Request('http://localhost'), {});
    expect(await call()).toMatchObject({ ok: true });
    server.pause();
    expect(await call()).toMatchObject(expected);
    if (onStoreFailure === 'degrade') {
      const more = await Promise.all(Array.from({ length: 9 }, call));
      expect(more.filter(({ ok }) => ok)).toHaveLength(4);
    }
    server.resume();
    await vi.waitFor(
      async () => expect(await call()).toMatchObject({ ok: true, degraded: undefined }),
      { timeout: 10_000 },
    );
  });
});

test('a late and invalid answer is not reported as a fault', async () => {
  const unhandled: unknown[] = [];
  const note = (cause: unknown): void => void unhandled.push(cause);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const options = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false };
  let answer = (_none: null): void => undefined;
  const sendCommand = vi.fn(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const store = redisLimitStore({ client: { options, sendCommand } as never, timeout: '10ms' });
  await expect(store.consume(ask('late'))).rejects.toThrow('no answer');
  answer(null);
  await wait(40);
  expect(sendCommand).toHaveBeenCalledTimes(1);
  expect(unhandled).toEqual([]);
});

test('by default a command may take 250 ms, and after five failures one a second is tried', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const options = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false };
  const sendCommand = vi.fn(() => new Promise(() => undefined));
  const store = redisLimitStore({ client: { options, sendCommand } as never });
  /** What a call learns, and after how many milliseconds. */
  const failure = async (): Promise<string> => {
    const start = Date.now();
    const told = store.consume(ask('x')).then(
      () => 'answered',
      ({ message }: Error) =>
        message.includes('not asked again yet') ? 'not asked' : `${Date.now() - start} ms`,
    );
    // No more than the pause, after which another call would be tried.
    await vi.advanceTimersByTimeAsync(251);
    return told;
  };
  const failures = async (count: number): Promise<string[]> => {
    const all: string[] = [];
    for (let call = 0; call < count; call++) all.push(await failure());
    return all;
  };
  expect(await failures(5)).toEqual(Array.from({ length: 5 }, () => '250 ms'));
  expect(await failures(3)).toEqual(['not asked', 'not asked', 'not asked']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await failures(3)).toEqual(['250 ms', 'not asked', 'not asked']);
  expect(sendCommand).toHaveBeenCalledTimes(6);
});

test('a client that could count twice is denied', () => {
  const client = new Redis({ lazyConnect: true });
  expect(() => redisLimitStore({ client })).toThrow(ConfigurationError);
  client.disconnect();
});

test('a client that writes some keys under another name is denied', () => {
  const client = new Redis({
    lazyConnect: true,
    keyPrefix: 'mine:',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  });
  expect(() => redisLimitStore({ client })).toThrow('keyPrefix');
  client.disconnect();
});

test.each([
  ['a prefix with braces', { prefix: '{a}' }],
  ['a breaker that is never closed', { breaker: { failures: 0 } }],
  ['a breaker that counts to no number', { breaker: { failures: Number.NaN } }],
  ['a breaker without a pause', { breaker: { pause: '0s' as const } }],
  ['an empty prefix', { prefix: '' }],
  ['no time', { timeout: '0s' as const }],
  ['a timeout without its unit', { timeout: 250 as never }],
  ['an option that it does not know', { timeoutMs: 250 }],
  ['slots that are none', { slots: 'all' as never }],
])('denies %s', (_name, options) => {
  const client = connectRedis('redis://127.0.0.1:1', { lazyConnect: true });
  expect(() => redisLimitStore({ client, ...options })).toThrow(ConfigurationError);
  client.disconnect();
});
