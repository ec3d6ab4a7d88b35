import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { memoryWebhookOutbox, type WebhookOutbox } from '@apisec/core';
import { migrate, postgresWebhookOutbox } from '@apisec/postgres';
import { Pool } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type SafeFetch, type SendWebhookOptions, sendWebhook } from '../src/index.ts';
import { openFetch, serve, type TestServer } from './kit.ts';

const key = randomBytes(32);
const sealingKeys = { current: 'v1', keys: { v1: key } };

type Slowness = 'never answers' | 'drips its answer';

/** A receiver with quick paths, and slow ones that hold a call for as long as the test lasts. */
async function receiver(slowness: Slowness) {
  const quick = new Set<string>();
  let slowNow = 0;
  let mostSlow = 0;
  const server = await serve((request, response) => {
    request.resume();
    if (request.url === '/quick') {
      quick.add(String(request.headers['webhook-id']));
      response.writeHead(204).end();
      return;
    }
    slowNow += 1;
    mostSlow = Math.max(mostSlow, slowNow);
    const drip = setInterval(() => {
      if (slowness === 'drips its answer') response.write('.');
    }, 200);
    response.on('close', () => {
      slowNow -= 1;
      clearInterval(drip);
    });
  });
  return { server, quick, mostSlow: () => mostSlow };
}

interface Sender {
  readonly path: '/slow' | '/quick';
  readonly tenant: string;
  readonly endpoints: number;
  /** For each endpoint. */
  readonly messages: number;
}

/** Endpoints with messages to send, in the order in which they are given. */
async function fill(outbox: WebhookOutbox, server: TestServer, senders: readonly Sender[]) {
  const hooks = sendWebhook({ outbox, sealingKeys, fetch: openFetch([server]) });
  for (const { path, tenant, endpoints, messages } of senders) {
    for (let at = 0; at < endpoints; at++) {
      const { endpoint } = await hooks.addEndpoint({ tenant, url: server.url(path) });
      const active = { ...endpoint, status: 'active', version: '2' } as const;
      await outbox.replaceEndpoint(active, endpoint.version);
      const event = { endpointId: endpoint.id, type: 'x', data: at };
      await hooks.send(...Array.from({ length: messages }, () => event));
    }
  }
}

/** Behind the slow ones in the queue. */
const quickOnes: Sender = { path: '/quick', tenant: 'honest', endpoints: 10, messages: 10 };

test.each<[string, Slowness, readonly Sender[], Partial<SendWebhookOptions>, number]>([
  [
    'one endpoint that never answers, of the same tenant',
    'never answers',
    [{ path: '/slow', tenant: 'honest', endpoints: 1, messages: 500 }],
    {},
    6,
  ],
  [
    'one endpoint that drips its answer',
    'drips its answer',
    [{ path: '/slow', tenant: 'honest', endpoints: 1, messages: 500 }],
    {},
    6,
  ],
  [
    'hundreds of endpoints of one tenant that never answer',
    'never answers',
    [{ path: '/slow', tenant: 'attacker', endpoints: 300, messages: 2 }],
    {},
    10,
  ],
  [
    'an endpoint that never answers, with limits of its own',
    'never answers',
    [{ path: '/slow', tenant: 'honest', endpoints: 1, messages: 500 }],
    { maxPerEndpoint: 2, maxPerTenant: 20 },
    2,
  ],
])('quick endpoints are not held up by %s', async (_name, slowness, slow, options, most) => {
  const { server, quick, mostSlow } = await receiver(slowness);
  const outbox = memoryWebhookOutbox();
  await fill(outbox, server, [...slow, quickOnes]);
  const hooks = sendWebhook({
    outbox,
    sealingKeys,
    fetch: openFetch([server], { timeout: '25s' }),
    concurrency: 20,
    pollInterval: '10ms',
    ...options,
  });
  hooks.start();
  const started = performance.now();
  await vi.waitFor(() => expect(quick.size).toBe(100), { timeout: 20_000 });
  // Before any of the slow ones was given up.
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(mostSlow()).toBeLessThanOrEqual(most);
  void hooks.stop();
});

/** Counts what Node's threads still compute: on a busy machine virtual time would go on without it. */
function watchCrypto(): () => number {
  let running = 0;
  for (const name of ['importKey', 'sign', 'encrypt', 'decrypt', 'digest', 'deriveKey'] as const) {
    const compute = crypto.subtle[name].bind(crypto.subtle) as (...all: any[]) => Promise<any>;
    const spy = vi.spyOn(crypto.subtle, name).mockImplementation(async (...all: any[]) => {
      running++;
      try {
        return await compute(...all);
      } finally {
        running--;
      }
    });
    onTestFinished(() => spy.mockRestore());
  }
  return () => running;
}

test('a tenant that has answered quickly is not held up by dozens that never answer', async () => {
  const timeoutMs = 15_000;
  const outbox = memoryWebhookOutbox();
  const answeredAt = new Map<string, number>();
  const fetch: SafeFetch = Object.assign(
    async (input: string | URL | Request, init?: RequestInit) => {
      if (new Request(input).url.endsWith('/slow'))
        return new Promise<Response>((_, reject) => {
          setTimeout(() => reject(new Error('timeout')), timeoutMs);
        });
      answeredAt.set(new Headers(init?.headers).get('webhook-id') ?? '', Date.now());
      return new Response(null, { status: 204 });
    },
    { selfTest: async () => undefined, close: async () => undefined },
  );
  // Only what a worker waits for is virtual, not the crypto of Node.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const hooks = sendWebhook({ outbox, sealingKeys, fetch, concurrency: 40, pollInterval: '100ms' });
  const add = async (tenant: string, path: string, messages: number) => {
    const { endpoint } = await hooks.addEndpoint({ tenant, url: `https://a.example/${path}` });
    const active = { ...endpoint, status: 'active', version: '2' } as const;
    await outbox.replaceEndpoint(active, endpoint.version);
    const event = { endpointId: endpoint.id, type: 'x', data: 0 };
    return hooks.send(...Array.from({ length: messages }, () => event));
  };
  const running = watchCrypto();
  const turn = () => new Promise((resolve) => void setImmediate(resolve));
  const pass = async (ms: number) => {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      await vi.advanceTimersByTimeAsync(50);
      await turn();
      while (running() > 0) await turn();
    }
  };
  const latest = async (path: string) => {
    const sentAt = Date.now();
    const ids = await add('honest', path, 20);
    await pass(1_000);
    return Math.max(...ids.map((id) => (answeredAt.get(id) ?? Number.POSITIVE_INFINITY) - sentAt));
  };
  hooks.start();
  expect(await latest('first')).toBeLessThan(1_000);
  for (let at = 0; at < 30; at++) await add(`slow${at}`, 'slow', 8);
  expect(await latest('second')).toBeLessThan(1_000);
  // As they are given up and begun again.
  for (let times = 0; times < 2; times++) {
    await pass(timeoutMs / 2);
    expect(await latest(`later${times}`)).toBeLessThan(1_000);
  }
  const stopped = hooks.stop();
  await pass(timeoutMs + 1_000);
  await stopped;
});

const url = process.env['DATABASE_URL'];

test.skipIf(url === undefined)(
  'three workers on PostgreSQL, one of them killed, deliver to quick endpoints beside hundreds of slow ones (set DATABASE_URL)',
  async () => {
    const { server, quick, mostSlow } = await receiver('never answers');
    const schema = `slow_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
    const pool = new Pool({ connectionString: url });
    const workers: ChildProcess[] = [];
    onTestFinished(async () => {
      for (const each of workers) each.kill('SIGKILL');
      await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await pool.end();
    });
    await migrate(pool, { schema });
    const outbox = postgresWebhookOutbox(pool, { schema });
    await fill(outbox, server, [
      { path: '/slow', tenant: 'attacker', endpoints: 200, messages: 5 },
      { path: '/slow', tenant: 'honest', endpoints: 1, messages: 500 },
      { ...quickOnes, messages: 100 },
    ]);
    const start = () =>
      workers.push(
        spawn(
          process.execPath,
          [
            '--conditions=@apisec/source',
            '--import',
            'tsx',
            join(import.meta.dirname, 'outbox-worker.ts'),
          ],
          {
            env: {
              ...process.env,
              DATABASE: url,
              SCHEMA: schema,
              TARGET: server.url('/'),
              SEALING_KEY: key.toString('hex'),
              CONCURRENCY: '20',
              LEASE_SECONDS: '10',
            },
            stdio: ['ignore', 'ignore', 'inherit'],
          },
        ),
      );
    start();
    start();
    start();
    await vi.waitFor(() => expect(quick.size).toBeGreaterThan(200), { timeout: 120_000 });
    workers[0]?.kill('SIGKILL');
    // Those that it held come once their lease is over.
    await vi.waitFor(() => expect(quick.size).toBe(1_000), { timeout: 120_000, interval: 50 });
    // Of 60 places: what two tenants may hold of each worker.
    expect(mostSlow()).toBeLessThanOrEqual(3 * 14);
  },
  300_000,
);
