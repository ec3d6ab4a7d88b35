import type { Duration } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, durationMs, withinTime } from '@apisec/core/host';
import slotOf from 'cluster-key-slot';
import { Cluster, Command } from 'ioredis';
import {
  type Breaker,
  type BreakerOptions,
  type BreakerSettings,
  breakerSettings,
  circuitBreaker,
} from './breaker.ts';
import { assertCounts, type RedisClient } from './client.ts';
import { type OnEviction, watchEviction } from './eviction.ts';
import { replyCode } from './reply-code.ts';
import type { Script } from './script.ts';

/** Options that all stores on Redis share. */
export interface RedisStoreOptions {
  /** From `connectRedis` or `connectRedisCluster`, or one of yours with the same safety. */
  readonly client: RedisClient;
  /** Begins every key; no braces. Default: `apisec`. */
  readonly prefix?: string | undefined;
  /** How long one command may take, at most `1m`. Default: `250ms`. */
  readonly timeout?: Duration | undefined;
  readonly breaker?: BreakerOptions | undefined;
  /**
   * Told at start where the server evicts keys (`maxmemory-policy` other than `noeviction`), and what that puts at
   * risk. Default: a line on standard error.
   */
  readonly onEviction?: OnEviction | undefined;
}

/** A script with what it is run on. */
export interface Run {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Sent whole at once: by its digest a server that does not know it would be told twice, and others come between. */
  readonly whole?: boolean;
}

/** A server that answers in bounded time, or rejects. */
export interface Server {
  readonly prefix: string;
  /** Sends one command, of which the first argument is a key. Nothing is ever sent again by itself. */
  readonly ask: (name: string, key: string, ...args: readonly string[]) => Promise<unknown>;
  /**
   * Runs a script by its digest; sent whole only where the server does not know it yet. Text comes as bytes.
   *
   * @param giveBack what to run should the answer come when nobody waits for it any more: its caller was
   * denied, and must not be charged for that. Without it, or where it gives nothing, nothing is.
   */
  readonly run: (run: Run, giveBack?: (answer: unknown) => Run | undefined) => Promise<unknown>;
}

const OPTIONS = ['client', 'prefix', 'timeout', 'breaker', 'onEviction'] as const;

/**
 * The server that a store asks. `own` are the options that only this store has.
 *
 * @throws ConfigurationError for a client that repeats commands, or an option that is unknown or out of range.
 */
export function serverOf(
  where: string,
  options: RedisStoreOptions,
  own: readonly string[] = [],
): Server {
  assertKnownOptions(where, options, [...OPTIONS, ...own]);
  const { client, prefix = 'apisec' } = options;
  assertCounts(client);
  assertConfiguration(
    prefix !== '' && !/[{}]/.test(prefix),
    `${where}: prefix must be text without braces, which decide where keys live in a cluster.`,
  );
  assertConfiguration(
    options.onEviction === undefined || typeof options.onEviction === 'function',
    `${where}: onEviction must be a function; it is called for a server that evicts keys.`,
  );
  watchEviction(where, client, options.onEviction);
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '250ms', { max: '1m' });
  const breakerOf = breakersOf(client, breakerSettings(options.breaker));
  const relearn = slotsOf(client);
  const askInTime = async <T>(
    key: string,
    task: () => Promise<T>,
    late?: (answer: T) => void,
  ): Promise<T> => {
    const breaker = breakerOf(key);
    if (!breaker.admits()) throw new NotAskedError();
    try {
      const answer = await inTime(task(), timeoutMs, late);
      breaker.succeeded();
      return answer;
    } catch (cause) {
      if (isAnswer(cause)) breaker.succeeded();
      else {
        breaker.failed();
        relearn();
      }
      throw cause;
    }
  };
  return {
    prefix,
    ask: (name, key, ...args) => askInTime(key, () => tell(client, name, [key, ...args])),
    run: (run, giveBack) =>
      askInTime(
        // Keys of one script are in one slot.
        run.keys[0] ?? '',
        () => send(client, run),
        // Past the breaker: the server is there again, and what it took must not stay taken.
        giveBack &&
          ((answer) => {
            const back = giveBack(answer);
            if (back !== undefined) send(client, back).catch(() => undefined);
          }),
      ),
  };
}

/** The breaker is open: the server was not asked, so nothing can have happened there. */
export class NotAskedError extends Error {
  constructor() {
    super('Redis did not answer lately, so it is not asked again yet.');
    this.name = 'NotAskedError';
  }
}

/** Slots of a cluster that share a breaker. */
const SLOTS_EACH = 256;

/**
 * A breaker for each part of a cluster, so that a master that is gone costs only the callers whose keys it has. By
 * slots, not by nodes: those come and go.
 */
function breakersOf(client: RedisClient, options: BreakerSettings): (key: string) => Breaker {
  if (!(client instanceof Cluster)) {
    const breaker = circuitBreaker(options);
    return () => breaker;
  }
  const breakers = new Map<number, Breaker>();
  return (key) => {
    const part = Math.floor(slotOf(key) / SLOTS_EACH);
    const known = breakers.get(part) ?? circuitBreaker(options);
    breakers.set(part, known);
    return known;
  };
}

/** Milliseconds after which a cluster is asked again who has which slots, while calls fail. */
const RELEARN = 1_000;

/**
 * Asks a cluster who has which slots, after a failure: a machine that lost its network ends no connection, so
 * nothing else would tell that another one has taken its place.
 */
function slotsOf(client: RedisClient): () => void {
  if (!(client instanceof Cluster)) return () => undefined;
  let next = 0;
  return () => {
    const time = performance.now();
    if (time < next || client.status !== 'ready') return;
    next = time + RELEARN;
    client.refreshSlotsCache();
  };
}

/**
 * In a cluster on its own: of a pipeline in which some commands are told that their slot has moved and others are not,
 * ioredis hands the former back as errors, and does not learn from them where the slot is now.
 */
async function tell(client: RedisClient, name: string, args: readonly string[]): Promise<unknown> {
  if (!(client instanceof Cluster)) return client.call(name, ...args);
  return client.sendCommand(new Command(name, [...args], { replyEncoding: 'utf8' }));
}

async function send(client: RedisClient, { script, keys, args, whole }: Run): Promise<unknown> {
  if (whole) return evaluate(client, 'eval', script.lua, keys, args);
  try {
    return await evaluate(client, 'evalsha', script.sha, keys, args);
  } catch (cause) {
    // Denied before it ran, so this is the one failure after which sending again cannot count twice.
    if (!isReply(cause) || !cause.message.startsWith('NOSCRIPT')) throw cause;
    return evaluate(client, 'eval', script.lua, keys, args);
  }
}

/** Runs a script and answers bytes as they are: doubles are no UTF-8. */
async function evaluate(
  client: RedisClient,
  name: 'eval' | 'evalsha',
  code: string,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const command = new Command(name, [code, String(keys.length), ...keys, ...args], {
    replyEncoding: null,
  });
  return client.sendCommand(command);
}

/** Replies that say that the server cannot serve anybody now. */
const OUT_OF_SERVICE: ReadonlySet<string> = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNKILLABLE',
]);

/** An error about this one command, which says nothing against the next one. */
function isAnswer(cause: unknown): boolean {
  return isReply(cause) && !OUT_OF_SERVICE.has(replyCode(cause.message));
}

function isReply(cause: unknown): cause is Error {
  return cause instanceof Error && cause.name === 'ReplyError';
}

async function inTime<T>(task: Promise<T>, limit: number, late?: (answer: T) => void): Promise<T> {
  try {
    return await withinTime(task, limit, `Redis: no answer in ${limit} ms.`);
  } catch (cause) {
    // A late answer that is none has nobody to be told to.
    task.then(late).catch(() => undefined);
    throw cause;
  }
}
