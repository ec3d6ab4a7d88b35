import { randomUUID } from 'node:crypto';
import type { LeaseAnswer, LeaseRequest, LeaseStore } from '@apisec/core';
import { namedKey, tagOf } from '../connection/key.ts';
import { retries } from '../connection/retries.ts';
import { CLOCK, script } from '../connection/script.ts';
import { NotAskedError, type RedisStoreOptions, type Run, serverOf } from '../connection/server.ts';

/** ARGV: limit, ttl, lease. Answers whether it was given, and how many are held. */
const acquireScript = script(`${CLOCK}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZCARD', KEYS[1])
if held >= tonumber(ARGV[1]) then return { 0, held } end
local ends = now + tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], ends, ARGV[3])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(last) - now) + 1)
return { 1, held + 1 }
`);

const releaseScript = script(`return redis.call('ZREM', KEYS[1], ARGV[1])`);

/** Leases that could not be given back, and are tried again. More than that wait for their end. */
const MOST_UNRELEASED = 10_000;

/**
 * Counts running calls on Redis, Valkey or Redis Cluster, for `concurrencyLimit`: a sorted set for each key, one
 * script for each decision, on the server's own clock. A lease that cannot be given back, because Redis is away when
 * the call ends, is given back when it is there again.
 *
 * Needs Redis 6 or newer, or Valkey. The server must not evict (`maxmemory-policy noeviction`; beside caches that need
 * eviction, a Redis of its own): calls whose key is pushed out run uncounted.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * concurrencyLimit({ store: redisLeaseStore({ client }), name: 'exports', limit: 5, by: 'everyone' });
 */
export function redisLeaseStore(options: RedisStoreOptions): LeaseStore {
  const { prefix, run } = serverOf('redisLeaseStore', options);
  const keyOf = ({ name, key }: LeaseRequest): string =>
    `${prefix}:{${tagOf(key)}}:lease:${namedKey(name, key)}`;
  const releasing = (request: LeaseRequest, lease: string): Run => ({
    script: releaseScript,
    keys: [keyOf(request)],
    args: [lease],
  });
  const unreleased = retries(options.client, MOST_UNRELEASED);
  const release = (request: LeaseRequest, lease: string): Promise<void> => {
    const giveBack = releasing(request, lease);
    return run(giveBack).then(
      () => undefined,
      (cause: unknown) => {
        unreleased.add(() => run(giveBack), request.ttl);
        throw cause;
      },
    );
  };
  return Object.freeze({
    acquire: async (request: LeaseRequest): Promise<LeaseAnswer> => {
      const { limit, ttl } = request;
      const lease = randomUUID();
      const giveBack = releasing(request, lease);
      const acquiring = {
        script: acquireScript,
        keys: giveBack.keys,
        args: [String(limit), String(ttl), lease],
      };
      const answer = await run(acquiring, () => giveBack).catch((cause: unknown) => {
        // It may have been given, with its answer lost on the way.
        if (!(cause instanceof NotAskedError)) unreleased.add(() => run(giveBack), ttl);
        throw cause;
      });
      // The script above says what it answers.
      const [allowed, held] = answer as [number, number];
      const remaining = Math.max(0, limit - held);
      return allowed === 1 ? { allowed: true, lease, remaining } : { allowed: false, remaining };
    },
    release,
  });
}
