export { type RedisApiKeyCacheOptions, redisApiKeyCache } from './api-keys/redis-api-key-cache.ts';
export type { LocalCacheOptions } from './api-keys/watched-cache.ts';
export type { BreakerOptions } from './connection/breaker.ts';
export {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  type RedisClusterConnectOptions,
  type RedisConnectOptions,
} from './connection/client.ts';
export { assertNoEviction, type EvictionRisk, type OnEviction } from './connection/eviction.ts';
export type { RedisClockedStoreOptions } from './connection/expiring-list.ts';
export type { RedisStoreOptions } from './connection/server.ts';
export { redisCounterStore } from './counters/redis-counter-store.ts';
export { redisLeaseStore } from './leases/redis-lease-store.ts';
export {
  type RedisLimitStore,
  type RedisLimitStoreOptions,
  redisLimitStore,
} from './limits/redis-limit-store.ts';
export { redisPasskeyStore } from './passkeys/redis-passkey-store.ts';
export { redisRefreshTokenStore } from './refresh-tokens/redis-refresh-token-store.ts';
export { redisReplayStore } from './replays/redis-replay-store.ts';
export {
  type RedisRevocationStoreOptions,
  redisRevocationStore,
} from './revocations/redis-revocation-store.ts';
export { redisSessionStore } from './sessions/redis-session-store.ts';
export { redisTicketStore } from './tickets/redis-ticket-store.ts';
export { redisTotpStore } from './totp/redis-totp-store.ts';
