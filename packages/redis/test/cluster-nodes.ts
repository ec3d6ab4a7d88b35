import { tokenBucket } from '@apisec/core';
import { connectRedisCluster } from '@apisec/redis';
import slotOf from 'cluster-key-slot';
import { type Cluster, Redis } from 'ioredis';
import { expect, onTestFinished, vi } from 'vitest';
import { tagOf } from '../src/connection/key.ts';
import { open, type RedisServer } from './redis-server.ts';
import { wait } from './wait.ts';

/** Nothing of it comes back while a test runs. */
export const bucket = (capacity: number) => tokenBucket({ capacity, refillPerSecond: 1e-4 });

/** Of a key whose hash tag is made of `text`. */
export const slotOfTag = (text: string): number => slotOf(tagOf(text));

/** A node with a connection to tell it what to do. */
export interface Node {
  readonly server: RedisServer;
  readonly admin: Redis;
  readonly id: string;
}

export async function nodeOf(server: RedisServer): Promise<Node> {
  const admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
  admin.on('error', () => undefined);
  return { server, admin, id: await admin.cluster('MYID') };
}

/** A client that is connected to all masters: what meets a connection in the making is denied. */
export async function openCluster(nodes: readonly Node[]): Promise<Cluster> {
  const ports = nodes.map(({ server: { port } }) => ({ host: '127.0.0.1', port }));
  const client = await open(connectRedisCluster(ports));
  await vi.waitFor(() => {
    const masters = client.nodes('master').map(({ status }) => status);
    expect(masters).toEqual(['ready', 'ready', 'ready']);
  }, 20_000);
  return client;
}

/** Which of the three masters holds a slot, as redis-cli deals them out. */
export const holderOf = (slot: number): number => (slot <= 5460 ? 0 : slot <= 10_922 ? 1 : 2);

/** Asks one after the other until it is told to stop, and keeps what came of it. */
export function asker(ask: () => Promise<unknown>) {
  const told = { allowed: 0, denied: 0, failed: 0, slowest: 0 };
  const over = new AbortController();
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const started = performance.now();
      await ask().then(
        (allowed) => void (allowed ? told.allowed++ : told.denied++),
        () => void told.failed++,
      );
      told.slowest = Math.max(told.slowest, performance.now() - started);
      await wait(2);
    }
  };
  const running = run();
  return {
    told,
    stop: (): Promise<void> => {
      over.abort();
      return running;
    },
  };
}

/** Promises that were rejected while nobody listened, from now until the end of the test. */
export function unheard(): readonly unknown[] {
  const causes: unknown[] = [];
  const note = (cause: unknown): void => void causes.push(cause);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return causes;
}
