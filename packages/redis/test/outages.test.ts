import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import {
  type AuthenticatedFacts,
  type CallFacts,
  type Outcome,
  peerOf,
  requireNotRevoked,
  throttleFailures,
} from '@apisec/core';
import {
  connectRedis,
  type RedisStoreOptions,
  redisCounterStore,
  redisLeaseStore,
  redisPasskeyStore,
  redisRefreshTokenStore,
  redisReplayStore,
  redisRevocationStore,
  redisTotpStore,
} from '@apisec/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { passkeyOf } from './passkey-record.ts';
import { hasRedis, type RedisServer, ready, startRedis } from './redis-server.ts';
import { family } from './refresh-family.ts';
import { factorOf } from './totp-record.ts';

/** Milliseconds. Long enough that a busy machine answers in time. */
const TIMEOUT = 500;
const request = new Request('https://api.example.com/orders');
const rule = {
  free: 5,
  delay: 1_000,
  maxDelay: 60_000,
  lockAfter: 10,
  lockFor: 60_000,
  forgetAfter: 86_400_000,
};
const caller: AuthenticatedFacts = {
  principal: {
    id: 'alice',
    subject: 'alice',
    issuer: 'https://id.example.com',
    scopes: new Set(),
    roles: new Set(),
  },
  authentication: { method: 'jwt', scheme: 'Bearer', claims: {} },
};
const stranger: CallFacts = {
  call: { protocol: 'http', operation: 'POST /login' },
  peer: peerOf('192.0.2.1'),
};
const factor = factorOf('a');

let turn = 0;
/** What each store is asked; another key each time. */
const questions: Record<string, (options: RedisStoreOptions) => () => Promise<unknown>> = {
  replays: (options) => {
    const store = redisReplayStore(options);
    return async () => store.putIfAbsent(`proof ${turn++}`, 60_000);
  },
  leases: (options) => {
    const store = redisLeaseStore(options);
    return async () => store.acquire({ name: 'exports', key: `${turn++}`, limit: 1, ttl: 60_000 });
  },
  revocations: (options) => {
    const store = redisRevocationStore(options);
    return async () => store.isRevoked([`token ${turn++}`, 'b'], 0);
  },
  'revocations, remembered locally': (options) => {
    const store = redisRevocationStore({ ...options, cached: { maxStaleness: '1m' } });
    return async () => store.isRevoked([`token ${turn++}`, 'b'], 0);
  },
  counters: (options) => {
    const store = redisCounterStore(options);
    return async () => store.attempt([{ name: 'login', key: `account ${turn++}`, rule }]);
  },
  'second factors': (options) => {
    const store = redisTotpStore(options);
    return async () => store.insert({ ...factor, account: `account ${turn++}` });
  },
  'refresh tokens that are issued': (options) => {
    const store = redisRefreshTokenStore(options);
    return async () => store.insert(family(`family ${turn++}`));
  },
  'refresh tokens that are used': (options) => {
    const store = redisRefreshTokenStore(options);
    return async () => store.replace('first', family(`family ${turn++}`));
  },
  'families of a subject': (options) => {
    const store = redisRefreshTokenStore(options);
    return async () => store.endSubject(`subject ${turn++}`);
  },
};

/** Passes again, and as it should. */
async function recovered(call: () => Promise<Outcome>): Promise<void> {
  await vi.waitFor(async () => {
    const outcome = await call();
    expect(outcome.ok && outcome.degraded === undefined).toBe(true);
  }, 10_000);
}

describe.runIf(hasRedis)('while Redis fails', () => {
  let server: RedisServer;
  const unhandled: unknown[] = [];
  const note = (cause: unknown): void => void unhandled.push(cause);

  beforeEach(async () => {
    server = await startRedis();
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    process.off('unhandledRejection', note);
    await server.close();
    expect(unhandled).toEqual([]);
  });

  const open = async (): Promise<RedisStoreOptions> => {
    const client = connectRedis(server.url);
    onTestFinished(() => client.disconnect());
    await ready(client);
    return { client, timeout: `${TIMEOUT}ms`, breaker: { failures: 3, pause: '100ms' } };
  };

  describe.each(Object.entries(questions))('%s', (_name, question) => {
    const recovers = (ask: () => Promise<unknown>) =>
      vi.waitFor(ask, { timeout: 10_000, interval: 50 });

    test('paused: calls are rejected in time, and answered again without a restart', async () => {
      const ask = question(await open());
      await ask();
      server.pause();
      const load = await Promise.allSettled(Array.from({ length: 20 }, ask));
      expect(load.map(({ status }) => status)).not.toContain('fulfilled');
      await expect(ask()).rejects.toThrow('not asked again yet');
      server.resume();
      await recovers(ask);
    });

    test('killed: calls are rejected in time, and answered again by its successor', async () => {
      const ask = question(await open());
      await ask();
      await server.kill();
      await expect(ask()).rejects.toThrow();
      await server.start();
      await recovers(ask);
    });
  });

  test('out of memory: what must be remembered is rejected, never half taken', async () => {
    const options = { ...(await open()), breaker: { failures: 100 } };
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const [revocations, replays] = [redisRevocationStore(options), redisReplayStore(options)];
    const writes = [
      async () => revocations.revoke({ key: 'a', ttl: 60_000 }),
      async () => replays.putIfAbsent('a', 60_000),
      async () => redisCounterStore(options).attempt([{ name: 'login', key: 'a', rule }]),
    ];
    await admin.config('SET', 'maxmemory', '1');
    for (const write of writes) await expect(write()).rejects.toThrow('OOM');
    await admin.config('SET', 'maxmemory', '0');
    expect(await revocations.isRevoked(['a'], 0)).toBe(false);
    for (const write of writes) await write();
    expect(await revocations.isRevoked(['a'], 0)).toBe(true);
    expect(await replays.putIfAbsent('a', 60_000)).toBe(false);
  });

  test('out of memory: no second factor, passkey or refresh token is half written, and families can be ended', async () => {
    const options = { ...(await open()), breaker: { failures: 100 } };
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const [factors, families] = [redisTotpStore(options), redisRefreshTokenStore(options)];
    const keys = redisPasskeyStore(options);
    await keys.insert(passkeyOf('used'));
    await factors.insert(factor);
    for (const id of ['a', 'b', 'c']) await families.insert(family(id));
    await admin.config('SET', 'maxmemory', '1');
    const writes = [
      async () => factors.insert({ ...factor, account: 'new' }),
      async () => factors.replace({ ...factor, version: 'v2', lastStep: 7 }, 'v1'),
      async () => keys.insert(passkeyOf('new')),
      async () => keys.use('used', { counter: 2, backedUp: false, at: 2 }),
      async () => families.insert(family('new')),
      async () => families.replace('first', family('a', { current: 'second' })),
    ];
    for (const write of writes) await expect(write()).rejects.toThrow('OOM');
    expect(await families.end('b', 'reused')).toBe(true);
    expect(await families.get('b')).toMatchObject({ ended: 'reused' });
    await admin.config('SET', 'maxmemory', '0');
    expect(await factors.get('new')).toBeUndefined();
    expect(await keys.get('new')).toBeUndefined();
    expect(await keys.get('used')).toMatchObject({ counter: 1 });
    expect(await factors.get('a')).toEqual(factor);
    expect(await families.get('new')).toBeUndefined();
    expect(await families.get('a')).toMatchObject({ current: 'first' });
    for (const write of writes) expect(await write()).toBe(true);
    await admin.config('SET', 'maxmemory', '1');
    expect(await families.endSubject('alice')).toBe(3);
  });

  test('a passkey that was half written is inserted again, and by its own account alone', async () => {
    const options = await open();
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const store = redisPasskeyStore(options);
    await store.insert(passkeyOf('p'));
    // As where a process dies between the two steps: it is known whose it is, and the account does not have it.
    const [row = ''] = await admin.keys('*:passkeys:*');
    await admin.del(row);
    expect(await store.get('p')).toBeUndefined();
    expect(await store.insert({ ...passkeyOf('p'), subject: 'mallory' })).toBe(false);
    expect(await store.list('mallory')).toEqual([]);
    expect(await store.insert(passkeyOf('p'))).toBe(true);
    expect(await store.list('alice')).toMatchObject([{ id: 'p' }]);
  });

  test('a proof whose answer was lost is not taken a second time', async () => {
    const store = redisReplayStore(await open());
    server.pause();
    await expect(store.putIfAbsent('proof', 60_000)).rejects.toThrow('no answer');
    server.resume();
    const answer = () => store.putIfAbsent('proof', 60_000);
    expect(await vi.waitFor(answer, { timeout: 10_000 })).toBe(false);
  });

  test.each([
    ['closed', { ok: false, denial: { kind: 'unavailable', code: 'revocation.unavailable' } }],
    ['open', { ok: true, degraded: 'revocation.unavailable' }],
  ] as const)(
    'revocations, onStoreFailure: %s is what happens',
    async (onStoreFailure, expected) => {
      const store = redisRevocationStore(await open());
      const policy = requireNotRevoked({ store, onStoreFailure });
      const call = async (): Promise<Outcome> => policy.check(request, caller);
      expect(await call()).toMatchObject({ ok: true });
      server.pause();
      expect(await call()).toMatchObject(expected);
      server.resume();
      await recovered(call);
    },
  );

  test.each([
    ['closed', { ok: false, denial: { kind: 'unavailable', code: 'failures.unavailable' } }],
    ['open', { ok: true }],
  ] as const)('counters, onStoreFailure: %s is what happens', async (onStoreFailure, expected) => {
    const store = redisCounterStore(await open());
    const policy = throttleFailures({
      store,
      name: 'login',
      account: () => 'alice',
      onStoreFailure,
    });
    const call = async (): Promise<Outcome> => policy.check(request, stranger);
    expect(await call()).toMatchObject({ ok: true });
    server.pause();
    const during = await call();
    expect(during).toMatchObject(expected);
    if (during.ok) expect(during.degraded).toBeTypeOf('string');
    server.resume();
    await recovered(call);
  });
});

test('a server that may not write is not asked again, also as Redis 6 says it in scripts', async () => {
  const denial =
    `-ERR Error running script (call to f_${'0a'.repeat(20)}): @user_script:5: ` +
    "@user_script: 5: -READONLY You can't write against a read only replica.\r\n";
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('data', (chunk) => {
      for (const [, name] of chunk.toString().matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)\r$/gm)) {
        socket.write(name?.toLowerCase() === 'evalsha' ? denial : '+OK\r\n');
      }
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  // It listens on TCP, so its address is one.
  const { port } = server.address() as AddressInfo;
  const client = connectRedis(`redis://127.0.0.1:${port}`, { enableReadyCheck: false });
  onTestFinished(() => client.disconnect());
  await once(client, 'ready');
  const store = redisLeaseStore({ client, breaker: { failures: 1, pause: '1m' } });
  const acquire = async () => store.acquire({ name: 'a', key: 'a', limit: 1, ttl: 1_000 });
  await expect(acquire()).rejects.toThrow('READONLY');
  await expect(acquire()).rejects.toThrow('not asked again yet');
  // It looks for the one that took over.
  await vi.waitFor(() => expect(connections).toBeGreaterThan(1), 5_000);
});
