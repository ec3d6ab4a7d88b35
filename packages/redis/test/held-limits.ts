import { concurrencyLimit, fixedWindow, type LimitRequest, leasedLimitStore } from '@apisec/core';
import { type RedisClient, redisLeaseStore, redisLimitStore } from '@apisec/redis';

/** At most three calls at once; `ttl` is how long one is counted of which nobody hears. */
export const running = (client: RedisClient, ttl: number) =>
  concurrencyLimit({
    store: redisLeaseStore({ client, timeout: '5s' }),
    name: 'exports',
    limit: 3,
    ttl: `${ttl}ms`,
    by: 'everyone',
    onStoreFailure: 'closed',
  });

export const WINDOW = 6_000;
export const LIMIT = 100;
export const SLICE = 20;

export const counted = (client: RedisClient) => redisLimitStore({ client, timeout: '5s' });

/** For a whole minute, so that what is held does not depend on how fast the machine is. */
export const held = (client: RedisClient) =>
  leasedLimitStore(counted(client), { slice: SLICE, ttl: '1m' });

export const call: readonly LimitRequest[] = [
  { name: 'api', key: 'all', limit: fixedWindow({ limit: LIMIT, window: `${WINDOW}ms` }), cost: 1 },
];
