import { randomUUID } from 'node:crypto';
import type { ApiKeyRecord, ApiKeyStore, Duration } from '@apisec/core';
import { assertConfiguration, durationMs } from '@apisec/core/host';
import { listen } from '../connection/channel.ts';
import { keyPart, tagOf } from '../connection/key.ts';
import { script } from '../connection/script.ts';
import { type RedisStoreOptions, serverOf } from '../connection/server.ts';

/** Options of {@link redisApiKeyCache}. */
export interface RedisApiKeyCacheOptions extends RedisStoreOptions {
  /**
   * How old a row from the cache may be, at most `1h`: the bound for changes whose message was lost, or
   * that were made without this cache. At most `maxRevocationDelay` of `apiKeys`. Default: `10s`.
   */
  readonly maxStaleness?: Duration | undefined;
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'redisApiKeyCache';

/**
 * The row, or else a place for it: whoever took the place may fill it, until a change takes the place away or its
 * time is over. The time runs from before the row was read, so no row is older than it. ARGV: the mark of the
 * place, milliseconds.
 */
const lookScript = script(`
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
`);

/** ARGV: the mark of the place, and the row, or nothing where there is none. */
const fillScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = redis.call('PTTL', KEYS[1])
if ARGV[2] == '' or left <= 0 then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', left) end
return 1
`);

/** ARGV: the channel, and what to publish; nothing where nobody needs to know. */
const dropScript = script(`
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return 1
`);

/** Rows whose change could not be told to Redis, one by one; beyond that nothing is taken from it. */
const MOST_DOUBTFUL = 1_024;

/**
 * Puts a cache on Redis, Valkey or Redis Cluster in front of where API keys are kept, shared by all processes. Only
 * reads of single rows are cached; a change goes to the store, takes the row out of the cache and is told to
 * every process, so that `apiKeys` forgets what it verified. The store stays the truth: while Redis does not
 * answer, reads go to it.
 *
 * Rows in it hold keyed hashes of secrets, as the store does. Whoever can write to this Redis can make keys.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisApiKeyCache(postgresApiKeyStore({ client: pool }), { client: redis });
 * const keys = apiKeys({ prefix: 'acme', environment: 'live', store, peppers });
 */
export function redisApiKeyCache(
  store: ApiKeyStore,
  options: RedisApiKeyCacheOptions,
): ApiKeyStore {
  const { prefix, run } = serverOf(NAME, options, ['maxStaleness', 'now']);
  const { client, now = () => performance.now() } = options;
  assertConfiguration(
    typeof store?.get === 'function' && typeof store.replace === 'function',
    `${NAME}: store must be an ApiKeyStore, for example one on PostgreSQL.`,
  );
  const maxStaleness = durationMs(NAME, 'maxStaleness', options.maxStaleness ?? '10s', {
    max: '1h',
  });
  const channel = `${prefix}:api-keys`;
  const keyOf = (id: string): string => `${prefix}:{${tagOf(id)}}:api-key:${keyPart(id)}`;

  const doubtful = new Map<string, number>();
  let allDoubtfulUntil = Number.NEGATIVE_INFINITY;
  const doubt = (id: string): void => {
    const until = now() + maxStaleness;
    if (doubtful.size >= MOST_DOUBTFUL) {
      doubtful.clear();
      allDoubtfulUntil = until;
    } else doubtful.set(id, until);
  };
  const isDoubtful = (id: string): boolean => {
    const until = Math.max(doubtful.get(id) ?? Number.NEGATIVE_INFINITY, allDoubtfulUntil);
    if (now() < until) return true;
    doubtful.delete(id);
    return false;
  };

  const drop = async (id: string, told: string): Promise<void> => {
    try {
      await run({ script: dropScript, keys: [keyOf(id)], args: [channel, told] });
    } catch {
      // What was changed is changed; the row in Redis ends by itself, and this process no longer asks for it.
      doubt(id);
    }
  };
  /** Nobody waits for it: without it the next read asks the store again. */
  const fill = (id: string, mark: string, record: ApiKeyRecord | undefined): void => {
    const row = record === undefined ? '' : JSON.stringify(record);
    run({ script: fillScript, keys: [keyOf(id)], args: [mark, row] }).catch(() => undefined);
  };

  const listeners: ((id: string) => void)[] = [];
  const tell = (id: string): void => {
    for (const listener of listeners) listener(id);
  };
  // A store that is notified of changes made without this cache.
  store.onChange?.((id) => void drop(id, id).then(() => tell(id)));

  return Object.freeze({
    insert: (record) => store.insert(record),
    list: (query) => store.list(query),
    consume: (id, charges, at) => store.consume(id, charges, at),
    readUsage: (id, quotas, at) => store.readUsage(id, quotas, at),
    resetUsage: (id, names) => store.resetUsage(id, names),
    get: async (id) => {
      if (isDoubtful(id)) return store.get(id);
      const mark = `?${randomUUID()}`;
      const known = await run({
        script: lookScript,
        keys: [keyOf(id)],
        args: [mark, String(maxStaleness)],
      }).catch(() => undefined);
      const cached = readRow(known, id);
      if (cached !== undefined) return cached;
      const record = await store.get(id);
      if (known === null) fill(id, mark, record);
      return record;
    },
    replace: async (record) => {
      try {
        return await store.replace(record);
      } finally {
        // Also where it was denied, or its answer was lost: then the row is not what the caller took it for.
        await drop(record.id, record.id);
      }
    },
    touch: async (use) => {
      await store.touch(use);
      // The last use of a key changes nothing about what it may do, so it is not published.
      await drop(use.id, '');
    },
    maxStaleness: maxStaleness + (store.maxStaleness ?? 0),
    onChange: (listener) => {
      if (listeners.push(listener) > 1) return;
      listen(client, channel, { onMessage: tell, onInterruption: () => undefined });
    },
  } satisfies ApiKeyStore);
}

/** A row of this id, or nothing: a place that is taken, or what is no row. */
function readRow(known: unknown, id: string): ApiKeyRecord | undefined {
  const text = known instanceof Uint8Array ? Buffer.from(known).toString() : '';
  if (!text.startsWith('{')) return undefined;
  try {
    // Only this cache writes here; the id is looked at so that a mix-up is no other key.
    const record = JSON.parse(text) as ApiKeyRecord;
    return record.id === id ? record : undefined;
  } catch {
    return undefined;
  }
}
