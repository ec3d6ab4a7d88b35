import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AuditEvent } from '../src/index.ts';

const root = join(import.meta.dirname, '../../..');

/** Kills a process that records acts once it has acknowledged some; answers which it did. */
async function killed(file: string): Promise<readonly string[]> {
  const script = 'packages/core/test/log-writing-process.ts';
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', script, file],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > 20_000) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  // What stands behind the last line break was cut off with the process.
  return output.split('\n').slice(0, -1);
}

test('a log of JSON lines has every event that was acknowledged, although its writers were killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apisec-log-'));
  try {
    const file = join(folder, 'audit.log');
    // One after the other, as a service that is started again.
    const acknowledged = [...(await killed(file)), ...(await killed(file))];
    expect(acknowledged.length).toBeGreaterThan(2_000);
    const text = await readFile(file, 'utf8');
    const lines = text.split('\n').flatMap((line): readonly AuditEvent[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
    const written = new Set(lines.map(({ target }) => target?.id));
    expect(acknowledged.filter((id) => !written.has(id))).toEqual([]);
    // Each once: nothing was offered again.
    expect(written.size).toBe(lines.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
