import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type LimitRequest,
  type LimitStore,
  leasedLimitStore,
  slidingWindow,
  tokenBucket,
} from '@apisec/core';
import { connectRedis, redisLimitStore } from '@apisec/redis';
import { Ratelimit } from '@upstash/ratelimit';
import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { inTurns, print } from '../in-turns.ts';
import { record } from '../measurements.ts';
import { hasRedis, withRedis } from './parts/with-redis.ts';

/** Decisions on a Redis of our own, 64 in flight, beside a bare INCR on the same connection settings. */
const IN_FLIGHT = 64;
const EACH = 40_000;
const ROUNDS = 9;
const MANY = 1e9;

/**
 * Its algorithms on the same server: it wants a client of its maker, but asks of it no more than to run scripts. Their
 * first line names a flag that only its maker's servers know, so it is left out.
 */
function upstashOn(client: Redis): Record<'tokenBucket' | 'slidingWindow', Ratelimit> {
  const known = new Map<string, string>();
  const run = (sha: string, keys: string[], args: unknown[]): Promise<unknown> =>
    client.evalsha(sha, keys.length, ...keys, ...args.map(String));
  const redis = {
    evalsha: async (sha: string, keys: string[], args: unknown[]) => {
      const own = known.get(sha);
      if (own === undefined) throw new Error('NOSCRIPT');
      return run(own, keys, args);
    },
    eval: async (lua: string, keys: string[], args: unknown[]) => {
      const sha = createHash('sha1').update(lua).digest('hex');
      known.set(sha, String(await client.script('LOAD', lua.replace(/^#!.*\n/, ''))));
      return run(known.get(sha) ?? '', keys, args);
    },
    // Nothing else is asked of it.
  } as unknown as ConstructorParameters<typeof Ratelimit>[0]['redis'];
  const common = { redis, ephemeralCache: false, analytics: false, timeout: 0 } as const;
  return {
    tokenBucket: new Ratelimit({
      ...common,
      prefix: 'upstash-bucket',
      limiter: Ratelimit.tokenBucket(100, '1 s', MANY),
    }),
    slidingWindow: new Ratelimit({
      ...common,
      prefix: 'upstash-window',
      limiter: Ratelimit.slidingWindow(MANY, '60 s'),
    }),
  };
}

/**
 * Four processes (connections of their own) that share one hot key, with what it asks for far above its limit and far
 * below: how many commands reach Redis.
 */
async function compareLeases(url: string): Promise<void> {
  const NODES = 4;
  const SECONDS = 5;
  const EVERY = 5;
  console.log(
    `\nOne hot key, ${NODES} nodes, one call in ${EVERY} ms on each, ${SECONDS} s: commands`,
  );
  for (const [load, refillPerSecond] of [
    ['all admitted', 4_000],
    ['one in four admitted', 200],
  ] as const) {
    const limit = tokenBucket({ capacity: refillPerSecond, refillPerSecond });
    const counted: number[] = [];
    for (const leased of [false, true]) {
      const clients = Array.from({ length: NODES }, () => connectRedis(url));
      await Promise.all(clients.map((client) => once(client, 'ready')));
      const nodes = clients.map((client): LimitStore => {
        const store = redisLimitStore({ client, timeout: '10s' });
        return leased ? leasedLimitStore(store, { slice: refillPerSecond / 8 }) : store;
      });
      const [admin] = clients;
      await admin?.config('RESETSTAT');
      const key = `${load} ${leased}`;
      let admitted = 0;
      const end = performance.now() + SECONDS * 1_000;
      const run = async (store: LimitStore): Promise<void> => {
        while (performance.now() < end) {
          const { allowed } = await store.consume([{ name: 'hot', key, limit, cost: 1 }]);
          if (allowed) admitted++;
          await new Promise((resolve) => setTimeout(resolve, EVERY));
        }
      };
      await Promise.all(nodes.map(run));
      const stats = String(await admin?.info('commandstats'));
      const commands = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      counted.push(commands);
      const name = `${load}, ${leased ? 'leased' : 'asked for each call'}`;
      console.log(`  ${name.padEnd(48)} ${String(commands).padStart(9)}   ${admitted} admitted`);
      for (const client of clients) client.disconnect();
    }
    const [asked = 0, leased = 1] = counted;
    record(`One hot key, ${load}: commands`, 'commands', [
      { name: 'asked for each call', value: asked },
      { name: 'leased', value: leased },
    ]);
    console.log(`  ${''.padEnd(48)} ${(asked / leased).toFixed(1).padStart(9)} x fewer`);
  }
}

async function compare(client: Redis, url: string): Promise<void> {
  const store = redisLimitStore({ client, timeout: '10s' });
  const bucket = tokenBucket({ capacity: MANY, refillPerSecond: 100 });
  const sliding = slidingWindow({ limit: MANY, window: '1m' });
  const flexible = new RateLimiterRedis({ storeClient: client, points: MANY, duration: 60 });
  const ask = (name: string, index: number, limit: LimitRequest['limit']): LimitRequest => ({
    name,
    key: `user-${index % 1_000}`,
    limit,
    cost: 1,
  });
  const upstash = upstashOn(client);
  const user = (index: number): LimitRequest => ask('user', index, bucket);
  const plan = (index: number): LimitRequest => ({
    ...ask('plan', 0, bucket),
    key: `plan-${index % 3}`,
  });
  const all = { ...ask('all', 0, bucket), key: 'everyone' };
  const contenders: Record<string, (index: number) => Promise<unknown>> = {
    'bare INCR': (index) => client.incr(`incr-${index % 1_000}`),
    'one limit, tokenBucket': (index) => store.consume([ask('one', index, bucket)]),
    'one limit, slidingWindow': (index) => store.consume([ask('window', index, sliding)]),
    'three limits: of the caller, a plan, everyone': (index) =>
      store.consume([user(index), plan(index), all]),
    'three limits, all of the caller': (index) =>
      store.consume([user(index), ask('user-2', index, bucket), ask('user-3', index, bucket)]),
    'rate-limiter-flexible, one limit': (index) => flexible.consume(`user-${index % 1_000}`),
    'rate-limiter-flexible, three limits one by one': async (index) => {
      for (const key of [`user-${index % 1_000}`, `plan-${index % 3}`, 'everyone']) {
        await flexible.consume(key);
      }
    },
    '@upstash/ratelimit, one limit, tokenBucket': (index) =>
      upstash.tokenBucket.limit(`user-${index % 1_000}`),
    '@upstash/ratelimit, one limit, slidingWindow': (index) =>
      upstash.slidingWindow.limit(`user-${index % 1_000}`),
  };
  print(
    `Redis, ${IN_FLIGHT} in flight`,
    await inTurns(contenders, { each: EACH, rounds: ROUNDS, inFlight: IN_FLIGHT }),
  );
  await compareLeases(url);
}

if (hasRedis) await withRedis(compare);
else console.log('redis: redis-server is not on PATH, so nothing was measured');
