import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { serve } from './kit.ts';

const MESSAGES = 120;
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function worker(environment: Record<string, string>) {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@apisec/source',
      '--import',
      'tsx',
      join(import.meta.dirname, 'outbox-worker.ts'),
    ],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return { child, output: () => output };
}

/** A receiver that kills the worker with the nth message, before it is answered. */
async function receiver() {
  const seen = new Map<string, number>();
  let onMessage: (count: number) => void = () => undefined;
  let count = 0;
  const server = await serve((request, response) => {
    const id = String(request.headers['webhook-id']);
    seen.set(id, (seen.get(id) ?? 0) + 1);
    count += 1;
    onMessage(count);
    response.writeHead(204).end();
  });
  return {
    server,
    seen,
    killAfter: (more: number, child: ChildProcess) => {
      const at = count + more;
      return new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        onMessage = (now) => {
          if (now >= at) child.kill('SIGKILL');
        };
      });
    },
    leaveAlone: () => {
      onMessage = () => undefined;
    },
  };
}

const url = process.env['DATABASE_URL'];
const databases: [string, () => Promise<Record<string, string>>][] = [
  [
    'PGlite',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'apisec-outbox-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      return { FOLDER: folder };
    },
  ],
];
if (url === undefined) test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');
else {
  databases.push([
    'PostgreSQL',
    async () => {
      const schema = `killed_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
      onTestFinished(async () => {
        const pool = new Pool({ connectionString: url });
        await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
        await pool.end();
      });
      return { DATABASE: url, SCHEMA: schema };
    },
  ]);
}

test.each(databases)(
  'a worker that is killed at any moment loses no message: %s',
  async (_name, open) => {
    const { server, seen, killAfter, leaveAlone } = await receiver();
    const environment = {
      ...(await open()),
      TARGET: server.url('/'),
      SEALING_KEY: randomBytes(32).toString('hex'),
    };
    const first = worker({ ...environment, SEED: String(MESSAGES) });
    await killAfter(7, first.child);
    expect(first.output()).toContain('kept');
    expect(seen.size).toBeLessThan(MESSAGES);
    const second = worker(environment);
    await killAfter(30, second.child);
    expect(seen.size).toBeLessThan(MESSAGES);
    leaveAlone();
    const third = worker(environment);
    await vi.waitFor(() => expect(seen.size).toBe(MESSAGES), { timeout: 90_000, interval: 100 });
    third.child.kill('SIGKILL');
    // The same ids and no others, however often each of them came.
    expect([...seen.keys()].toSorted()).toEqual(
      Array.from({ length: MESSAGES }, (_, at) => `m${at}`).toSorted(),
    );
  },
  150_000,
);
