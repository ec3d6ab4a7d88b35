export type { BreakerOptions } from './breaker.ts';
export {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  type RedisClusterConnectOptions,
  type RedisConnectOptions,
} from './client.ts';
export { redisLeaseStore } from './redis-lease-store.ts';
export {
  type RedisLimitStore,
  type RedisLimitStoreOptions,
  redisLimitStore,
} from './redis-limit-store.ts';
export type { RedisStoreOptions } from './server.ts';
