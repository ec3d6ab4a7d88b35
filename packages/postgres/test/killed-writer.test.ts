import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { migrate, type PostgresClient, verifyChain } from '../src/index.ts';

const url = process.env['DATABASE_URL'];
const schema = `apisec_killed_${randomUUID().replaceAll('-', '').slice(0, 12)}`;

/** Kills a process that records acts once it has acknowledged some; answers which it did. */
async function killed(where: string, key: Uint8Array): Promise<readonly string[]> {
  const args = ['--conditions=@apisec/source', '--import', 'tsx', 'test/writing-process.ts'];
  const child = spawn(
    process.execPath,
    [...args, where, schema, Buffer.from(key).toString('hex')],
    {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > 250) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  // What stands behind the last line break was cut off with the process.
  return output.split('\n').slice(0, -1);
}

async function expectNothingLost(
  client: PostgresClient,
  key: Uint8Array,
  acknowledged: readonly string[],
  writers = 1,
): Promise<void> {
  const report = await verifyChain(client, { schema, keys: { current: '1', keys: { 1: key } } });
  expect(report).toMatchObject({ ok: true, complete: false, problems: [] });
  const { rows } = await client.query(
    `SELECT event -> 'target' ->> 'id' AS id FROM "${schema}".audit_log`,
  );
  const written = new Set((rows as { id: string }[]).map(({ id }) => id));
  expect(acknowledged.length).toBeGreaterThan(200);
  expect(acknowledged.filter((id) => !written.has(id))).toEqual([]);
  // What was accepted and never written shows as a gap, of each of them.
  expect(report.writers).toHaveLength(writers);
  expect(report.writers.reduce((sum, each) => sum + each.written, 0)).toBe(written.size);
  for (const { closed, unwritten } of report.writers) {
    expect([closed, unwritten > 0]).toEqual([false, true]);
  }
}

test('a writer that is killed loses no event that it acknowledged, and the chain shows what it did not write', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apisec-audit-'));
  const key = randomBytes(32);
  try {
    const before = await PGlite.create(folder);
    await migrate(before, { schema });
    await before.close();
    const acknowledged = await killed(folder, key);
    const after = await PGlite.create(folder);
    await expectNothingLost(after, key, acknowledged);
    await after.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);

if (url === undefined) test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');
else {
  test('the same of three writers at once on a server', async () => {
    const pool = new Pool({ connectionString: url });
    const key = randomBytes(32);
    try {
      await migrate(pool, { schema });
      // Three that write to one chain at once: whichever is killed first, the others go on.
      const acknowledged = await Promise.all([1, 2, 3].map(() => killed(url, key)));
      await expectNothingLost(pool, key, acknowledged.flat(), acknowledged.length);
    } finally {
      await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await pool.end();
    }
  }, 240_000);
}
