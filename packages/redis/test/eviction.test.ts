import { ConfigurationError, memoryApiKeyStore } from '@apisec/core';
import {
  assertNoEviction,
  connectRedis,
  type EvictionRisk,
  type RedisClient,
  redisApiKeyCache,
  redisCounterStore,
  redisLeaseStore,
  redisLimitStore,
  redisPasskeyStore,
  redisRefreshTokenStore,
  redisReplayStore,
  redisRevocationStore,
  redisSessionStore,
  redisTicketStore,
  redisTotpStore,
} from '@apisec/redis';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasRedis, mustHaveRedis, startRedis } from './redis-server.ts';

if (!hasRedis && !mustHaveRedis) test.skip('redis-server is not installed');

/** Every store whose loss would do harm. */
const stores = {
  redisReplayStore,
  redisRevocationStore,
  redisRefreshTokenStore,
  redisTotpStore,
  redisPasskeyStore,
  redisSessionStore,
  redisTicketStore,
  redisLimitStore,
  redisCounterStore,
  redisLeaseStore,
};

afterEach(() => vi.restoreAllMocks());

describe.runIf(hasRedis || mustHaveRedis)('a Redis', () => {
  const connect = async (policy: string) => {
    const server = await startRedis(['--maxmemory', '50mb', '--maxmemory-policy', policy]);
    const client = connectRedis(server.url);
    onTestFinished(async () => {
      client.disconnect();
      await server.close();
    });
    return client;
  };
  const makeAll = (client: RedisClient, onEviction: (risk: EvictionRisk) => void) => {
    for (const make of Object.values(stores)) make({ client, onEviction });
    redisApiKeyCache(memoryApiKeyStore(), { client, onEviction });
  };

  test.each(['allkeys-lru', 'volatile-ttl'])(
    'that evicts (%s) is said to put at risk what each store holds, but no cache',
    async (policy) => {
      const client = await connect(policy);
      const risks: EvictionRisk[] = [];
      makeAll(client, (risk) => risks.push(risk));
      await vi.waitFor(() => expect(risks).toHaveLength(10), { timeout: 5_000, interval: 5 });
      expect(risks.map(({ store }) => store)).toEqual(Object.keys(stores));
      expect(new Set(risks.map(({ risk }) => risk)).size).toBe(10);
      expect(risks[1]).toEqual({
        policy,
        store: 'redisRevocationStore',
        risk: 'what was revoked is valid again',
      });
      await expect(assertNoEviction(client)).rejects.toThrow(ConfigurationError);
      await expect(assertNoEviction(client)).rejects.toThrow(policy);
    },
  );

  test('that evicts is reported on standard error, and a callback that throws ends nothing', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const client = await connect('allkeys-random');
    redisReplayStore({
      client,
      onEviction: () => {
        throw new Error('mine');
      },
    });
    redisReplayStore({ client });
    await vi.waitFor(() => expect(lines).toHaveBeenCalledOnce(), { timeout: 5_000, interval: 5 });
    expect(String(lines.mock.calls[0]?.[0])).toMatch(/allkeys-random.*used again.*noeviction/);
  });

  test('that keeps what it holds is not spoken of', async () => {
    const client = await connect('noeviction');
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const risks: EvictionRisk[] = [];
    makeAll(client, (risk) => risks.push(risk));
    await assertNoEviction(client);
    await client.ping();
    expect(risks).toEqual([]);
    expect(lines).not.toHaveBeenCalled();
  });
});

test('onEviction is a function', () => {
  const client = connectRedis('redis://127.0.0.1:1', { lazyConnect: true });
  expect(() => redisReplayStore({ client, onEviction: 'log' as never })).toThrow(
    ConfigurationError,
  );
});
