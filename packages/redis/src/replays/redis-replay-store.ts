import type { ReplayStore } from '@apisec/core';
import { keyPart, tagOf } from '../connection/key.ts';
import { type RedisStoreOptions, serverOf } from '../connection/server.ts';

/**
 * Remembers on Redis, Valkey or Redis Cluster what was used once, for all processes: one command for each key
 * (`SET NX PX`), so of many equal calls exactly one learns that the key is new. The server must not evict
 * (`maxmemory-policy noeviction`): a key that is pushed out is new again.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * requireDpop({ publicOrigin: 'https://api.example.com', replay: redisReplayStore({ client }) });
 */
export function redisReplayStore(options: RedisStoreOptions): ReplayStore {
  const { prefix, ask } = serverOf('redisReplayStore', options);
  return Object.freeze({
    putIfAbsent: async (key: string, ttl: number): Promise<boolean> => {
      if (!(ttl > 0)) throw new RangeError('redisReplayStore: ttl must be above 0.');
      const name = `${prefix}:{${tagOf(key)}}:replay:${keyPart(key)}`;
      // Redis knows whole milliseconds, and times that a 64-bit integer holds.
      const life = Math.min(Math.ceil(ttl), Number.MAX_SAFE_INTEGER);
      return (await ask('set', name, '1', 'PX', String(life), 'NX')) === 'OK';
    },
  });
}
