import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type LimitRequest, slidingWindow, tokenBucket } from '@apisec/core';
import { connectRedis, redisLimitStore } from '@apisec/redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

/** Decisions on a Redis of our own, 64 in flight, beside a bare INCR on the same connection settings. */
const IN_FLIGHT = 64;
const EACH = 40_000;
const ROUNDS = 5;
const MANY = 1e9;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Decisions a second, best of several rounds: whatever else the machine does only slows it down. */
async function throughput(task: (index: number) => Promise<unknown>): Promise<number> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let index = 0;
    const start = performance.now();
    const worker = async (): Promise<void> => {
      while (index < EACH) await task(index++);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    best = Math.max(best, (EACH * 1_000) / (performance.now() - start));
  }
  return best;
}

async function compare(): Promise<void> {
  const port = await freePort();
  const server = spawn('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
  ]);
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
  const client = connectRedis(`redis://127.0.0.1:${port}`);
  await once(client, 'ready');
  try {
    const store = redisLimitStore({ client, timeout: 10_000 });
    const bucket = tokenBucket({ capacity: MANY, refillPerSecond: 100 });
    const sliding = slidingWindow({ limit: MANY, window: 60_000 });
    const flexible = new RateLimiterRedis({ storeClient: client, points: MANY, duration: 60 });
    const ask = (name: string, index: number, limit: LimitRequest['limit']): LimitRequest => ({
      name,
      key: `user-${index % 1_000}`,
      limit,
      cost: 1,
    });
    const contenders: Record<string, (index: number) => Promise<unknown>> = {
      'bare INCR': (index) => client.incr(`incr-${index % 1_000}`),
      'one limit, tokenBucket': (index) => store.consume([ask('one', index, bucket)]),
      'one limit, slidingWindow': (index) => store.consume([ask('window', index, sliding)]),
      'three limits in one step': (index) =>
        store.consume(['user', 'plan', 'all'].map((name) => ask(name, index, bucket))),
      'rate-limiter-flexible, one limit': (index) => flexible.consume(`user-${index % 1_000}`),
      'rate-limiter-flexible, three limits one by one': async (index) => {
        for (const name of ['a', 'b', 'c']) await flexible.consume(`${name}-${index % 1_000}`);
      },
    };
    const rows: [string, number][] = [];
    for (const [name, task] of Object.entries(contenders))
      rows.push([name, await throughput(task)]);
    const [, bare = 1] = rows[0] ?? [];
    console.log(
      `\nRedis, ${IN_FLIGHT} in flight: decisions a second, and time as a multiple of INCR`,
    );
    for (const [name, rate] of rows) {
      console.log(
        `  ${name.padEnd(48)} ${Math.round(rate).toLocaleString('en').padStart(9)}   ${(bare / rate).toFixed(2)} x`,
      );
    }
  } finally {
    client.disconnect();
    server.kill();
  }
}

if (spawnSync('redis-server', ['--version']).status === 0) await compare();
else console.log('redis: redis-server is not on PATH, so nothing was measured');
