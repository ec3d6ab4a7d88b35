import { assertConfiguration } from '@apisec/core';
import { Command } from 'ioredis';
import { type BreakerOptions, circuitBreaker } from './breaker.ts';
import { assertCounts, type RedisClient } from './client.ts';
import type { Script } from './script.ts';

/** Options that all stores on Redis share. */
export interface RedisStoreOptions {
  /** From `connectRedis` or `connectRedisCluster`, or one of yours with the same safety. */
  readonly client: RedisClient;
  /** Begins every key; no braces. Default: `apisec`. */
  readonly prefix?: string | undefined;
  /** Milliseconds that one command may take. Default: 250. */
  readonly timeout?: number | undefined;
  readonly breaker?: BreakerOptions | undefined;
}

/** A server that answers in bounded time, or rejects. */
export interface Server {
  readonly prefix: string;
  /** Sends one command. Nothing is ever sent again by itself. */
  readonly ask: <T>(command: (client: RedisClient) => Promise<T>) => Promise<T>;
  /** Runs a script by its digest; sent whole only where the server does not know it yet. Text comes as bytes. */
  readonly run: (
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ) => Promise<unknown>;
}

export function serverOf({
  client,
  prefix = 'apisec',
  timeout = 250,
  breaker: breakerOptions,
}: RedisStoreOptions): Server {
  assertCounts(client);
  assertConfiguration(
    prefix !== '' && !/[{}]/.test(prefix),
    'redis: prefix must not be empty and holds no braces: they would decide where keys live in a cluster.',
  );
  assertConfiguration(
    timeout >= 1 && timeout <= 60_000,
    'redis: timeout is in milliseconds, from 1 to 60,000.',
  );
  const breaker = circuitBreaker(breakerOptions);
  const ask: Server['ask'] = async (command) => {
    if (!breaker.admits()) throw new Error('Redis did not answer lately; not asked again yet.');
    try {
      const answer = await inTime(command(client), timeout);
      breaker.succeeded();
      return answer;
    } catch (cause) {
      // NOSCRIPT is an answer like any other: the server is there.
      if (isUnknownScript(cause)) breaker.succeeded();
      else breaker.failed();
      throw cause;
    }
  };
  return {
    prefix,
    ask,
    run: async ({ lua, sha }, keys, args) => {
      try {
        return await ask((server) => send(server, 'evalsha', sha, keys, args));
      } catch (cause) {
        // Refused before it ran, so this is the one failure after which sending again cannot count twice.
        if (!isUnknownScript(cause)) throw cause;
        return ask((server) => send(server, 'eval', lua, keys, args));
      }
    },
  };
}

/** Runs a script and answers bytes as they are: doubles are no UTF-8. */
async function send(
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

function isUnknownScript(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT');
}

function inTime<T>(task: Promise<T>, limit: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Redis: no answer in ${limit} ms.`)), limit);
    task.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
