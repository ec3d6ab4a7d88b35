export type { BreakerOptions } from './breaker.ts';
export {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  type RedisClusterConnectOptions,
  type RedisConnectOptions,
} from './client.ts';
export { type RedisApiKeyCacheOptions, redisApiKeyCache } from './redis-api-key-cache.ts';
export { redisCounterStore } from './redis-counter-store.ts';
export { redisLeaseStore } from './redis-lease-store.ts';
export {
  type RedisLimitStore,
  type RedisLimitStoreOptions,
  redisLimitStore,
} from './redis-limit-store.ts';
export { redisRefreshTokenStore } from './redis-refresh-token-store.ts';
export { redisReplayStore } from './redis-replay-store.ts';
export {
  type RedisRevocationStoreOptions,
  redisRevocationStore,
} from './redis-revocation-store.ts';
export { redisTotpStore } from './redis-totp-store.ts';
export type { RedisStoreOptions } from './server.ts';
export { redisSessionStore } from './sessions/redis-session-store.ts';
export type { LocalCacheOptions } from './watched-cache.ts';
