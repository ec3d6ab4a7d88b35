import { ConfigurationError } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { replyCode } from './reply-code.ts';

/** A client of a Redis or Valkey server, or of a cluster of them. */
export type RedisClient = Redis | Cluster;

/** Options of ioredis, but for the ones that counters depend on. */
export type RedisConnectOptions = Omit<RedisOptions, 'replyMapping' | 'keyPrefix'>;
export type RedisClusterConnectOptions = Omit<
  ClusterOptions,
  'redisOptions' | 'keyPrefix' | 'retryDelayOnFailover' | 'scaleReads'
> & {
  readonly redisOptions?: Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>;
};

/**
 * What counters need of a connection, whatever else is configured: a command is sent once (one that is sent
 * again after a lost reply counts twice), and fails at once while there is no server to send it to.
 */
const COUNTING = {
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
} as const satisfies RedisOptions;

/**
 * Milliseconds without an answer after which a connection is given up and another one is made. A machine that lost
 * its power or network ends no connection, and the one that took its place is only found by reconnecting.
 */
const SILENCE = 5_000;

/** Longest wait between attempts to connect, in milliseconds. */
const LONGEST_BACKOFF = 1_000;

/**
 * A client with what counters need: commands are sent once, in pipelines, and never queued for a server that
 * is not there; it connects again by itself, also when the server it is connected to has become a replica, or has
 * answered nothing for 5 seconds (`socketTimeout`).
 *
 * @example
 * const client = connectRedis('redis://127.0.0.1:6379');
 */
export function connectRedis(url: string, options: RedisConnectOptions = {}): Redis {
  const client = new Redis(url, {
    connectTimeout: 2_000,
    socketTimeout: SILENCE,
    enableAutoPipelining: true,
    retryStrategy: backoff,
    reconnectOnError: hasMoved,
    ...options,
    ...COUNTING,
  });
  return silenced(client);
}

/**
 * The same for Redis Cluster.
 *
 * @example
 * const client = connectRedisCluster([{ host: '10.0.0.1', port: 6379 }]);
 */
export function connectRedisCluster(
  nodes: readonly ClusterNode[],
  options: RedisClusterConnectOptions = {},
): Cluster {
  const { redisOptions, ...rest } = options;
  const client = new Cluster([...nodes], {
    enableAutoPipelining: true,
    clusterRetryStrategy: backoff,
    slotsRefreshTimeout: 2_000,
    ...rest,
    enableOfflineQueue: false,
    // Else commands whose reply was lost are sent again, whatever a connection's own options say.
    retryDelayOnFailover: 0,
    redisOptions: {
      connectTimeout: 2_000,
      reconnectOnError: hasMoved,
      ...redisOptions,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    },
  });
  // Else each connects with the first command for it, and what comes meanwhile fails.
  client.on('+node', (node: Redis) => {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  });
  return silenced(client);
}

/**
 * Denies a client that would send commands twice, hold calls back while there is no server, read from replicas, or
 * write some keys under another name than others.
 *
 * @throws ConfigurationError naming the options to set.
 */
export function assertCounts(client: RedisClient): void {
  const { enableOfflineQueue, keyPrefix } = client.options;
  const connection: RedisOptions =
    client instanceof Cluster ? (client.options.redisOptions ?? {}) : client.options;
  const { autoResendUnfulfilledCommands } = connection;
  const resends =
    autoResendUnfulfilledCommands !== false ||
    (client instanceof Cluster && client.options.retryDelayOnFailover !== 0);
  if (resends || enableOfflineQueue !== false) {
    throw new ConfigurationError(
      'This Redis client would send a command again whose reply was lost, or queue it while there is no ' +
        'server. Make it with connectRedis() or connectRedisCluster(), or set ' +
        'autoResendUnfulfilledCommands: false and enableOfflineQueue: false, and for a cluster ' +
        'retryDelayOnFailover: 0.',
    );
  }
  assertConfiguration(
    !(client instanceof Cluster) || (client.options.scaleReads ?? 'master') === 'master',
    'This Redis client reads from replicas, which may not know yet what was just revoked. Leave out scaleReads.',
  );
  assertConfiguration(
    !keyPrefix && !connection.keyPrefix,
    'This Redis client puts a prefix before keys, and not in all commands. Leave out keyPrefix; stores have a ' +
      'prefix of their own.',
  );
}

/** Milliseconds until the next attempt to connect. */
export function backoff(attempt: number): number {
  return Math.min(LONGEST_BACKOFF, 20 * 2 ** Math.min(attempt, 10));
}

/** A server that was demoted in a failover denies writes; its successor is found by reconnecting. */
function hasMoved(error: Error): boolean {
  return replyCode(error.message) === 'READONLY';
}

/** Each command tells its own failure; an 'error' event that nobody hears would end the process. */
function silenced<C extends RedisClient>(client: C): C {
  client.on('error', () => undefined);
  return client;
}
