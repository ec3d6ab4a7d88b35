import { memoryApiKeyStore } from '@apisec/core';
import {
  apiKeyStoreContract,
  counterStoreContract,
  leaseStoreContract,
  limitStoreContract,
  passkeyStoreContract,
  refreshTokenStoreContract,
  replayStoreContract,
  revocationStoreContract,
  sessionStoreContract,
  ticketStoreContract,
  totpStoreContract,
} from '@apisec/core/testing';
import {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  type RedisClockedStoreOptions,
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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answering,
  hasRedis,
  mustHaveRedis,
  type RedisServer,
  ready,
  startCluster,
  startRedis,
} from './redis-server.ts';
import { wait } from './wait.ts';

let stores = 0;
/** Stores of one server are told apart by their prefix, so each begins empty. */
const prefix = (): string => `test-${stores++}`;

if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
  test.skip('stores on Redis: redis-server is not on PATH', () => undefined);
}

function describeContracts(
  name: string,
  connect: () => Promise<RedisClient>,
  slots: 'store' | 'key',
): void {
  // They wait more than they work, and each has a prefix of its own.
  describe.concurrent(name, () => {
    let client: RedisClient;
    beforeAll(async () => {
      client = await connect();
    });
    afterAll(() => client.disconnect());
    const options = () => ({ client, prefix: prefix(), timeout: '5s' as const });
    /** On the same records, with clocks that differ. */
    const processes = <Store>(make: (options: RedisClockedStoreOptions) => Store) => {
      const shared = options();
      return {
        create: () => make(shared),
        createApart: (aheadMs: number) => make({ ...shared, now: () => Date.now() + aheadMs }),
        pass: wait,
        now: () => Date.now(),
      };
    };

    describe('limits', () => {
      test.each(limitStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisLimitStore({ ...options(), slots }), pass: wait });
      });
    });
    // Its times are too short for company.
    describe.sequential('leases', () => {
      test.each(leaseStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisLeaseStore(options()), pass: wait });
      });
    });
    describe('replays', () => {
      test.each(replayStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisReplayStore(options()), pass: wait });
      });
    });
    describe('revocations', () => {
      test.each(revocationStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisRevocationStore(options()), pass: wait });
      });
    });
    describe('revocations, remembered locally', () => {
      // Shorter than what the contract waits for.
      const cached = { maxStaleness: '500ms' } as const;
      test.each(revocationStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisRevocationStore({ ...options(), cached }), pass: wait });
      });
    });
    describe('counters', () => {
      test.each(counterStoreContract)('$name', async ({ run }) => {
        await run({ create: () => redisCounterStore(options()), pass: wait });
      });
    });
    describe('sessions', () => {
      test.each(sessionStoreContract)('$name', async ({ run }) => {
        await run(processes(redisSessionStore));
      });
    });
    describe('tickets', () => {
      test.each(ticketStoreContract)('$name', async ({ run }) => {
        await run(processes(redisTicketStore));
      });
    });

    describe('second factors', () => {
      test.each(totpStoreContract)('$name', async ({ run }) => {
        await run(redisTotpStore(options()));
      });
    });
    describe('passkeys', () => {
      test.each(passkeyStoreContract)('$name', async ({ run }) => {
        await run(redisPasskeyStore(options()));
      });
    });
    describe('refresh tokens', () => {
      test.each(refreshTokenStoreContract)('$name', async ({ run }) => {
        await run(processes(redisRefreshTokenStore));
      });
    });
    describe('API keys, cached', () => {
      test.each(apiKeyStoreContract)('$name', async ({ run }) => {
        await run(redisApiKeyCache(memoryApiKeyStore(), options()));
      });
    });
  });
}

describe.runIf(hasRedis)('stores', () => {
  const servers: RedisServer[] = [];
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  describeContracts(
    'on one server',
    async () => {
      const server = await startRedis();
      servers.push(server);
      const client = connectRedis(server.url);
      await ready(client);
      return client;
    },
    'store',
  );
  describeContracts(
    'on a cluster of three',
    async () => {
      const nodes = await startCluster();
      servers.push(...nodes);
      const client = connectRedisCluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
      await answering(client);
      return client;
    },
    'store',
  );
});
