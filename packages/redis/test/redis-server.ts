import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisClient } from '@apisec/redis';
import { onTestFinished } from 'vitest';

/** A server of our own, so that a test can stop, pause and kill it. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Holds the process (SIGSTOP): connections stay, nothing answers. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it without a word. */
  readonly kill: () => Promise<void>;
  /** Starts it anew on the same port, empty. */
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** `REDIS_SERVER=valkey-server` runs the same tests on Valkey. */
const SERVER = process.env['REDIS_SERVER'] ?? 'redis-server';

export const hasRedis: boolean = spawnSync(SERVER, ['--version']).status === 0;

/** Services may be missing on a user's machine; where they are required, that is a failure, not a skip. */
export const mustHaveRedis: boolean = process.env['APISEC_REQUIRE_SERVICES'] === '1';

export async function freePort(wanted = 0): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  await once(probe, 'listening');
  // It listens on TCP, so its address is one.
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Nodes of a cluster speak among themselves on the port that is this much higher; Redis 6 knows no other. */
const BUS = 10_000;

/** One whose port for the bus is free as well. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port + BUS > 65_535) continue;
    try {
      await freePort(port + BUS);
      return port;
    } catch {
      // Somebody has it.
    }
  }
}

export async function startRedis(
  settings: readonly string[] = [],
  given?: number,
): Promise<RedisServer> {
  const port = given ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'apisec-redis-'));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const options = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const spawned = spawn(SERVER, [...args, ...settings], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = spawned;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      spawned.stdout.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('Ready to accept connections')) resolve();
      });
      spawned.on('error', reject);
      spawned.on('exit', () => reject(new Error(`${SERVER} ended: ${log}`)));
    });
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = undefined;
    if (dying === undefined || dying.exitCode !== null) return;
    dying.kill('SIGKILL');
    await once(dying, 'exit');
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    start,
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The client once it can be asked. */
export async function ready<C extends RedisClient>(client: C): Promise<C> {
  await new Promise((resolve) => client.once('ready', resolve));
  return client;
}

/** The client of a cluster once each of its nodes answers: it is ready as soon as it knows them. */
export async function answering<C extends RedisClient>(client: C): Promise<C> {
  await ready(client);
  // One key in the slots of each node.
  const keys = ['a', 'b', 'c'];
  for (let attempt = 0; ; attempt++) {
    try {
      await Promise.all(keys.map((key) => client.get(key)));
      return client;
    } catch (cause) {
      if (attempt === 100) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The same, until the test is over. */
export function open<C extends RedisClient>(client: C): Promise<C> {
  onTestFinished(() => client.disconnect());
  return ready(client);
}

/** A server in cluster mode that has no slots yet. */
export async function startClusterNode(settings: readonly string[] = []): Promise<RedisServer> {
  return startRedis(['--cluster-enabled', 'yes', ...settings], await clusterPort());
}

/** Three masters that share all slots. */
export async function startCluster(
  settings: readonly string[] = [],
): Promise<readonly RedisServer[]> {
  const nodes = await Promise.all([0, 1, 2].map(() => startClusterNode(settings)));
  const created = spawnSync('redis-cli', [
    '--cluster',
    'create',
    ...nodes.map(({ port }) => `127.0.0.1:${port}`),
    '--cluster-replicas',
    '0',
    '--cluster-yes',
  ]);
  if (created.status !== 0)
    throw new Error(`redis-cli: ${String(created.stdout)} ${String(created.stderr)}`);
  return nodes;
}
