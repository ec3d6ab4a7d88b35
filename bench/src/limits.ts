import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryLimitStore, rateLimit, slidingWindow, tokenBucket } from '@apisec/core';
import { MemoryStore } from 'express-rate-limit';
import { bench, do_not_optimize, group } from 'mitata';
import { RateLimiterMemory } from 'rate-limiter-flexible';

const MANY = 1e9;
const HOUR = 3_600_000;
const callers = Array.from(
  { length: 10_000 },
  (_, index) => `https://id.example.com|user-${index}`,
);
let turn = 0;
/** Another caller each time, in no order that a cache could like. */
const next = (): string => callers[(turn = (turn + 7_919) % callers.length)] as string;

const bucket = tokenBucket({ capacity: MANY, refillPerSecond: 100 });
const sliding = slidingWindow({ limit: MANY, window: HOUR });
const store = memoryLimitStore({ capacity: callers.length });
const policy = rateLimit({
  limit: bucket,
  store,
  name: 'policy',
  by: (caller: { readonly id: string }) => caller.id,
});
const request = { method: 'GET', url: '/', headers: { get: () => null, has: () => false } };

const flexible = new RateLimiterMemory({ points: MANY, duration: 3_600 });
const express = new MemoryStore();
// The store reads no more of its options than the window.
express.init({ windowMs: HOUR } as Parameters<MemoryStore['init']>[0]);

group('one decision, 10,000 callers', () => {
  bench('memoryLimitStore, tokenBucket', () =>
    do_not_optimize(store.consume([{ name: 'bucket', key: next(), limit: bucket, cost: 1 }])),
  );
  bench('memoryLimitStore, slidingWindow', () =>
    do_not_optimize(store.consume([{ name: 'sliding', key: next(), limit: sliding, cost: 1 }])),
  );
  bench('rateLimit, with headers', () => do_not_optimize(policy.check(request, { id: next() })));
  bench('rate-limiter-flexible', async () => do_not_optimize(await flexible.consume(next())));
  bench('express-rate-limit', async () => do_not_optimize(await express.increment(next())));
});

const spent = tokenBucket({ capacity: 1, refillPerSecond: 1 / 3_600 });
const few = new RateLimiterMemory({ points: 1, duration: 3_600 });
for (const key of callers) {
  store.consume([{ name: 'spent', key, limit: spent, cost: 1 }]);
  await few.consume(key);
}

group('one refusal, 10,000 callers', () => {
  bench('memoryLimitStore, tokenBucket', () =>
    do_not_optimize(store.consume([{ name: 'spent', key: next(), limit: spent, cost: 1 }])),
  );
  bench('rate-limiter-flexible', async () => {
    await few.consume(next()).catch(do_not_optimize);
  });
});

group('three limits, 10,000 callers', () => {
  const names = ['user', 'plan', 'all'];
  bench('memoryLimitStore, all or nothing', () => {
    const key = next();
    do_not_optimize(store.consume(names.map((name) => ({ name, key, limit: bucket, cost: 1 }))));
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that `fill` leaves behind for each of 100,000 callers. */
async function bytesEach(fill: (key: string) => unknown): Promise<number> {
  const count = 100_000;
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  for (let caller = 0; caller < count; caller++) {
    await fill(`https://id.example.com|user-${caller}`);
  }
  return (used() - before) / count;
}

const made = memoryLimitStore({ capacity: 100_000 });
const other = new RateLimiterMemory({ points: 10, duration: 3_600 });
const third = new MemoryStore();
third.init({ windowMs: HOUR } as Parameters<MemoryStore['init']>[0]);
const bytes = {
  memoryLimitStore: await bytesEach((key) =>
    made.consume([{ name: 'bytes', key, limit: spent, cost: 1 }]),
  ),
  'rate-limiter-flexible': await bytesEach((key) => other.consume(key)),
  'express-rate-limit': await bytesEach((key) => third.increment(key)),
};
for (const [name, each] of Object.entries(bytes)) {
  console.log(`bytes for each of 100,000 callers: ${name.padEnd(24)} ${Math.round(each)}`);
}
third.shutdown();
express.shutdown();
