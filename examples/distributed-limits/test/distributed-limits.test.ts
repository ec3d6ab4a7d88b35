import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  hasRedis,
  mustHaveRedis,
  type RedisServer,
  startRedis,
} from '../../../packages/redis/test/redis-server.ts';

const CAPACITY = 60;
const NODES = 3;
const example = `${import.meta.dirname}/..`;

interface Logged {
  readonly status: number;
  readonly degraded: readonly string[];
}

/** One process of the example. */
interface Node {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: Logged[];
}

async function startNode(redisUrl: string): Promise<Node> {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', 'src/main.ts'],
    {
      cwd: example,
      env: {
        ...process.env,
        REDIS_URL: redisUrl,
        PORT: '0',
        NODES: String(NODES),
        CAPACITY: String(CAPACITY),
        // So little that nothing flows back while the test runs.
        REFILL_PER_SECOND: '0.001',
        // A busy machine is not an outage: a Redis that was killed refuses at once.
        REDIS_TIMEOUT: '10s',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const log: Logged[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the process ended before it listened')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, listening] = /^listening on (.*)$/.exec(line) ?? [];
      if (listening !== undefined) resolve(listening);
      else log.push(JSON.parse(line) as Logged);
    });
  });
  return { url, child, log };
}

if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
  test.skip('three processes on one Redis: redis-server is not on PATH', () => undefined);
}

describe.runIf(hasRedis)('three processes on one Redis', () => {
  let redis: RedisServer;
  let nodes: readonly Node[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    nodes = await Promise.all(Array.from({ length: NODES }, () => startNode(redis.url)));
  });
  afterAll(async () => {
    for (const { child } of nodes) child.kill();
    await Promise.all(nodes.map(async ({ child }) => child.exitCode ?? once(child, 'exit')));
    await redis.close();
  });

  const call = async ({ url }: Node): Promise<number> => {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status;
  };
  /** Calls every process `each` times, all at once. */
  const drive = async (each: number): Promise<{ admitted: number[]; statuses: Set<number> }> => {
    const answers = await Promise.all(
      nodes.map(async (node) => Promise.all(Array.from({ length: each }, () => call(node)))),
    );
    const admitted = answers.map((statuses) => statuses.filter((each) => each === 200).length);
    return { admitted, statuses: new Set(answers.flat()) };
  };
  const sum = (counts: readonly number[]): number =>
    counts.reduce((total, each) => total + each, 0);
  /** Why decisions were weaker, of all calls since the last time. */
  const degraded = async (calls: number): Promise<Set<string>> => {
    await vi.waitFor(() => expect(sum(nodes.map(({ log }) => log.length))).toBe(calls), 20_000);
    return new Set(nodes.flatMap(({ log }) => log.splice(0)).flatMap((each) => each.degraded));
  };
  /** Every process has counted on Redis again. */
  const recover = (): Promise<void> =>
    vi.waitFor(
      async () => {
        for (const node of nodes) {
          const before = node.log.length;
          await call(node);
          await vi.waitFor(() => expect(node.log.length).toBeGreaterThan(before));
          expect(node.log.at(-1)?.degraded).toEqual([]);
        }
      },
      { timeout: 20_000, interval: 100 },
    );

  test('admit the limit together, within their shares while Redis is away, and together again', async () => {
    const first = await drive(40);
    expect(sum(first.admitted)).toBe(CAPACITY);
    expect(first.statuses).toEqual(new Set([200, 429]));
    expect(await degraded(NODES * 40)).toEqual(new Set());

    await redis.kill();
    const alone = await drive(40);
    expect(alone.admitted).toEqual(nodes.map(() => CAPACITY / NODES));
    expect(alone.statuses).toEqual(new Set([200, 429]));
    expect(await degraded(NODES * 40)).toEqual(new Set(['limit.local_share']));

    await redis.start();
    await recover();
    const used = nodes
      .flatMap(({ log }) => log.splice(0))
      .filter(({ status, degraded: why }) => status === 200 && why.length === 0).length;
    const together = await drive(40);
    expect(sum(together.admitted)).toBe(CAPACITY - used);
    expect(await degraded(NODES * 40)).toEqual(new Set());
    expect(nodes.map(({ child }) => child.exitCode)).toEqual(nodes.map(() => null));
  });
});
