import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connectRedis } from '@apisec/redis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { call, counted, LIMIT, running, SLICE, WINDOW } from './held-limits.ts';
import { hasRedis, open, startRedis } from './redis-server.ts';
import { wait } from './wait.ts';

// What is waited for below, on a machine that is busy with other things.
vi.setConfig({ testTimeout: 90_000 });

const TTL = 5_000;
const request = new Request('https://api.example.com/exports');

interface Given {
  /** How many of its calls were admitted. */
  readonly admitted: number;
  /** When it began to ask. */
  readonly since: number;
}

/** Starts `holding-process.ts`. */
async function startHolder(url: string, ...what: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', 'test/holding-process.ts', url, ...what],
    { cwd: `${import.meta.dirname}/..`, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the process ended before it was killed');
    return value;
  };
  expect(await line()).toBe('ready');
  return {
    /** Lets it take what it can get. */
    take: async (): Promise<Given> => {
      child.stdin.write('go\n');
      // As that file writes it.
      return JSON.parse(await line()) as Given;
    },
    kill: async (): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const setup = async () => {
  const server = await startRedis();
  onTestFinished(() => server.close());
  return { url: server.url, client: await open(connectRedis(server.url)) };
};

describe.runIf(hasRedis)('of a process that is killed', () => {
  test('running calls are counted until their ttl is over, and then no more', async () => {
    const { url, client } = await setup();
    const policy = running(client, 60_000);
    const calls = async (count: number): Promise<number> => {
      const outcomes = await Promise.all(
        Array.from({ length: count }, async () => policy.check(request, {})),
      );
      return outcomes.filter(({ ok }) => ok).length;
    };
    const holder = await startHolder(url, 'leases', String(TTL));
    const { admitted, since } = await holder.take();
    expect(admitted).toBe(2);
    expect(await calls(3)).toBe(1);
    await holder.kill();
    await vi.waitFor(async () => expect(await calls(1)).toBe(1), { timeout: 20_000, interval: 20 });
    expect(Date.now() - since).toBeGreaterThanOrEqual(TTL);
    // Both of its places, and not that of the one that runs here.
    await vi.waitFor(async () => expect(await calls(2)).toBe(1), { timeout: 20_000, interval: 20 });
    expect(await calls(1)).toBe(0);
  });

  test('its share of a limit stays spent until the window is over, and is at most a slice', async () => {
    const { url, client } = await setup();
    const store = counted(client);
    const calls = async (): Promise<number> => {
      const answers = await Promise.all(
        Array.from({ length: 2 * LIMIT }, () => store.consume(call)),
      );
      return answers.filter(({ allowed }) => allowed).length;
    };
    const left = (): number => WINDOW - (Date.now() % WINDOW);
    const holder = await startHolder(url, 'slices');
    if (left() < WINDOW / 2) await wait(left() + 5);
    const end = Date.now() + left();
    const { admitted } = await holder.take();
    await holder.kill();
    const others = await calls();
    expect(Date.now(), 'all of this in one window').toBeLessThan(end);
    expect(admitted).toBe(25);
    const lost = LIMIT - admitted - others;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThanOrEqual(SLICE);
    expect(await calls()).toBe(0);
    await wait(end - Date.now() + 5);
    expect(await calls()).toBe(LIMIT);
  });
});
