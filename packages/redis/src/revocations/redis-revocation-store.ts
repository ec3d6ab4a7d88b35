import type { RevocationEntry, RevocationStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, durationMs } from '@apisec/core/host';
import {
  type LocalCacheOptions,
  type LocalCacheSettings,
  watchedCache,
} from '../api-keys/watched-cache.ts';
import { keyPart } from '../connection/key.ts';
import { script } from '../connection/script.ts';
import { type RedisStoreOptions, serverOf } from '../connection/server.ts';

/** Options of {@link redisRevocationStore}. */
export interface RedisRevocationStoreOptions extends RedisStoreOptions {
  /**
   * Remembers answers in this process, so that most calls need no round trip. A revocation by another
   * process is heard of within the time of a message, and in no case later than `maxStaleness` after it;
   * one by this process at once. While changes are not heard of, every call asks Redis. Takes one connection
   * more. Default: nothing is remembered.
   */
  readonly cached?: LocalCacheOptions | undefined;
}

/** What is known of one key: there while it holds. */
interface Known {
  readonly isRevoked: boolean;
  readonly issuedBefore: number | undefined;
}

/**
 * Only ever raises what is there, in time and in value. ARGV: milliseconds (0: for ever), value, the channel,
 * what to publish.
 */
const revokeScript = script(`
local left = redis.call('PTTL', KEYS[1])
local known = redis.call('GET', KEYS[1])
local ttl, value = tonumber(ARGV[1]), ARGV[2]
if known and tonumber(known) > tonumber(value) then value = known end
if left == -1 or ttl == 0 then redis.call('SET', KEYS[1], value)
else redis.call('SET', KEYS[1], value, 'PX', string.format('%d', math.max(left, ttl))) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`);

const liftScript = script(`
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
`);

/**
 * Keeps revocations on Redis, Valkey or Redis Cluster, for all processes: one command for each look-up however
 * many keys, and an end to each entry by the server's own clock. In a cluster all entries live in one slot.
 * The server must not evict (`maxmemory-policy noeviction`): what is pushed out is not revoked any more.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisRevocationStore({ client, cached: { maxStaleness: '5s' } });
 * requireNotRevoked({ store });
 */
export function redisRevocationStore(options: RedisRevocationStoreOptions): RevocationStore {
  const { client, cached } = options;
  const { prefix, ask, run } = serverOf('redisRevocationStore', options, ['cached']);
  const channel = `${prefix}:revocations`;
  const outright = (part: string): string => `${prefix}:{revocations}:all:${part}`;
  const epoch = (part: string): string => `${prefix}:{revocations}:before:${part}`;
  const cache = cached && watchedCache<Known>(client, channel, cacheSettings(cached));

  const read = async (parts: readonly string[]): Promise<readonly Known[]> => {
    const keep = cache?.reading();
    const [first = '', ...others] = parts.flatMap((part) => [outright(part), epoch(part)]);
    // MGET answers as many as it is asked for.
    const values = (await ask('mget', first, ...others)) as readonly (string | null)[];
    return parts.map((part, index) => {
      const [all, before] = [values[2 * index], values[2 * index + 1]];
      const issuedBefore = typeof before === 'string' ? Number(before) : undefined;
      const known = { isRevoked: all !== null, issuedBefore };
      keep?.(part, known);
      return known;
    });
  };
  /** Also where it failed: the server may have done it all the same. */
  const changing = async (part: string, change: Promise<unknown>): Promise<void> => {
    try {
      await change;
    } finally {
      cache?.drop(part);
    }
  };

  return Object.freeze({
    revoke: async ({ key, issuedBefore, ttl }: RevocationEntry): Promise<void> => {
      if (!(ttl > 0)) throw new RangeError('redisRevocationStore: ttl must be above 0.');
      if (Number.isNaN(issuedBefore)) {
        throw new RangeError('redisRevocationStore: issuedBefore must be a time.');
      }
      const part = keyPart(key);
      const name = issuedBefore === undefined ? outright(part) : epoch(part);
      const life = ttl >= Number.MAX_SAFE_INTEGER ? 0 : Math.ceil(ttl);
      const args = [String(life), finite(issuedBefore ?? 1), channel, part];
      await changing(part, run({ script: revokeScript, keys: [name], args }));
    },
    lift: async (key: string): Promise<void> => {
      const part = keyPart(key);
      await changing(
        part,
        run({ script: liftScript, keys: [outright(part)], args: [channel, part] }),
      );
    },
    isRevoked: (keys: readonly string[], issuedAt: number) => {
      if (keys.length === 0) return false;
      const denies = ({ isRevoked, issuedBefore }: Known): boolean =>
        // Not "issuedAt < issuedBefore": what is no number was issued before everything.
        isRevoked || (issuedBefore !== undefined && !(issuedAt >= issuedBefore));
      const parts = keys.map(keyPart);
      const known = cache && parts.map(cache.get);
      if (known?.every((each) => each !== undefined)) return known.some(denies);
      return read(parts).then((fresh) => fresh.some(denies));
    },
  });
}

/** As text that Lua reads as the same number. */
function finite(time: number): string {
  return String(Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, time)));
}

function cacheSettings(options: LocalCacheOptions): LocalCacheSettings {
  const where = 'redisRevocationStore: cached';
  assertKnownOptions(where, options, ['maxStaleness', 'maxEntries', 'now']);
  const { maxEntries = 10_000, now = () => performance.now() } = options;
  assertConfiguration(
    Number.isInteger(maxEntries) && maxEntries >= 2,
    `${where}: maxEntries must be a whole number of keys, at least 2.`,
  );
  const maxStalenessMs = durationMs(where, 'maxStaleness', options.maxStaleness, { max: '1h' });
  return { maxStalenessMs, maxEntries, now };
}
