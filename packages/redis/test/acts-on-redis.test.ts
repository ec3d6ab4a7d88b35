import { memoryApiKeyStore } from '@apisec/core';
import {
  connectRedis,
  type RedisClient,
  redisApiKeyCache,
  redisCounterStore,
  redisLimitStore,
  redisPasskeyStore,
  redisRefreshTokenStore,
  redisRevocationStore,
  redisSessionStore,
  redisTicketStore,
  redisTotpStore,
} from '@apisec/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ActStores, administrativeActs } from '../../accounts/test/administrative-acts.ts';
import { expectToldOnce } from '../../accounts/test/told-acts.ts';
import { hasRedis, mustHaveRedis, type RedisServer, ready, startRedis } from './redis-server.ts';

/** Redis is not asked to keep tenants and roles. */
const NOT_HERE: ReadonlySet<keyof ActStores> = new Set(['tenants', 'roles']);
const acts = administrativeActs.filter(({ store }) => !NOT_HERE.has(store));

test('acts on Redis: redis-server is there, or nobody needs it', () => {
  if (!hasRedis) expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  expect(acts.length).toBeGreaterThan(20);
});

describe.runIf(hasRedis)('acts on Redis are reported once and without a secret', () => {
  let server: RedisServer;
  let client: RedisClient;
  let runs = 0;
  beforeAll(async () => {
    server = await startRedis();
    client = connectRedis(server.url);
    await ready(client);
  });
  afterAll(async () => {
    client.disconnect();
    await server.close();
  });

  const stores = (): ActStores => {
    const options = { client, prefix: `acts-${runs++}`, timeout: '5s' } as const;
    return {
      apiKeys: redisApiKeyCache(memoryApiKeyStore(), options),
      limits: redisLimitStore(options),
      counters: redisCounterStore(options),
      revocations: redisRevocationStore(options),
      refreshTokens: redisRefreshTokenStore(options),
      totp: redisTotpStore(options),
      passkeys: redisPasskeyStore(options),
      sessions: redisSessionStore(options),
      tickets: redisTicketStore(options),
    };
  };

  test.each(acts)('$name', async (act) => {
    await expectToldOnce(act, stores());
  });
});
