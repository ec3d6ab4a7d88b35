import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryLimitStore, rateLimit, slidingWindow, tokenBucket } from '@apisec/core';
import { MemoryStore } from 'express-rate-limit';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { inTurns, print } from '../in-turns.ts';
import { record } from '../measurements.ts';

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
const sliding = slidingWindow({ limit: MANY, window: '1h' });
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

const spent = tokenBucket({ capacity: 1, refillPerSecond: 1 / 3_600 });
const few = new RateLimiterMemory({ points: 1, duration: 3_600 });
for (const key of callers) {
  store.consume([{ name: 'spent', key, limit: spent, cost: 1 }]);
  await few.consume(key);
}
const names = ['user', 'plan', 'all'];

print(
  'one decision, 10,000 callers, in memory',
  await inTurns(
    {
      'express-rate-limit': () => express.increment(next()),
      'rate-limiter-flexible': () => flexible.consume(next()),
      'memoryLimitStore, tokenBucket': () =>
        store.consume([{ name: 'bucket', key: next(), limit: bucket, cost: 1 }]),
      'memoryLimitStore, slidingWindow': () =>
        store.consume([{ name: 'sliding', key: next(), limit: sliding, cost: 1 }]),
      'memoryLimitStore, three limits': () => {
        const key = next();
        return store.consume(names.map((name) => ({ name, key, limit: bucket, cost: 1 })));
      },
      'rateLimit, whole policy with headers': () => policy.check(request, { id: next() }),
      'a denial of memoryLimitStore': () =>
        store.consume([{ name: 'spent', key: next(), limit: spent, cost: 1 }]),
      'a denial of rate-limiter-flexible': () => few.consume(next()).catch(() => undefined),
    },
    { each: 50_000, rounds: 25 },
  ),
);

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
record(
  'Bytes for each of 100,000 callers',
  'bytes',
  Object.entries(bytes).map(([name, value]) => ({ name, value })),
);
third.shutdown();
express.shutdown();
