import {
  connectRedis,
  type RedisClient,
  redisCounterStore,
  redisPasskeyStore,
  redisTicketStore,
  redisTotpStore,
} from '@apisec/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountRaces } from '../../accounts/test/account-races.ts';
import { hasRedis, mustHaveRedis, type RedisServer, ready, startRedis } from './redis-server.ts';

if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
}

describe.runIf(hasRedis)('accounts on Redis', () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = connectRedis(server.url);
    await ready(client);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.close();
  });

  test.each(accountRaces)('at the same moment: $name', async ({ run }) => {
    const options = { client, timeout: '10s' } as const;
    const { won, may } = await run({
      tickets: redisTicketStore(options),
      totp: redisTotpStore(options),
      passkeys: redisPasskeyStore(options),
      counters: redisCounterStore(options),
    });
    expect(won).toBe(may);
  });
});
