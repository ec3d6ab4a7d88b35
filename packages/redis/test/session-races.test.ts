import { connectRedis, type RedisClient, redisSessionStore } from '@apisec/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestProvider } from '../../oauth/test/fixture.ts';
import type { TestProvider } from '../../oauth/test/provider.ts';
import { sessionRaces } from '../../oauth/test/store-races.ts';
import { hasRedis, mustHaveRedis, type RedisServer, ready, startRedis } from './redis-server.ts';

if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
}

describe.runIf(hasRedis)('sessions on Redis', () => {
  let provider: TestProvider;
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    provider = await startTestProvider();
    server = await startRedis();
    client = connectRedis(server.url);
    await ready(client);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.close();
    await provider?.close();
  });

  test.each(sessionRaces)('at the same moment: $name', async ({ run }) => {
    const { won, may } = await run(redisSessionStore({ client, timeout: '10s' }), provider);
    expect(won).toEqual(may);
  });
});
