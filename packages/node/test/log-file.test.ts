import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditEvent, audit, jsonLines } from '@apisec/core';
import { expect, onTestFinished, test } from 'vitest';
import { logFile } from '../src/index.ts';

const root = join(import.meta.dirname, '../../..');

function newFile(text?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'apisec-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'audit.log');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

async function record(file: string): Promise<string> {
  const log = audit({ sinks: [jsonLines(logFile(file))] });
  expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
  await log.close();
  return readFileSync(file, 'utf8');
}

/** Kills a process that records acts once it has acknowledged some; answers which it did. */
async function killed(file: string): Promise<readonly string[]> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@apisec/source',
      '--import',
      'tsx',
      'packages/node/test/log-writing-process.ts',
      file,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > 20_000) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return output.split('\n').slice(0, -1);
}

test('whole lines follow one another, without an empty one between', async () => {
  const text = await record(newFile('{"a":1}\n'));
  expect(text).toMatch(/^\{"a":1\}\n\{"level":40,[^\n]+\}\n$/);
  expect(await record(newFile())).toMatch(/^\{"level":40,[^\n]+\}\n$/);
  expect(await record(newFile(''))).toMatch(/^\{"level":40,[^\n]+\}\n$/);
});

test('an event begins a line of its own behind one that was cut off', async () => {
  const text = await record(newFile('{"a":1}\n{"level":30,"ms'));
  expect(text).toMatch(/^\{"a":1\}\n\{"level":30,"ms\n\{"level":40,[^\n]+\}\n$/);
});

test('a log that is made is for its owner alone, and one that is there stays as it is', async () => {
  const made = newFile();
  await record(made);
  expect(statSync(made).mode & 0o777).toBe(0o600);
  const shared = newFile('');
  chmodSync(shared, 0o640);
  await record(shared);
  expect(statSync(shared).mode & 0o777).toBe(0o640);
});

test('a file that cannot be opened fails at construction', () => {
  expect(() => logFile(join(newFile(), 'no', 'folder'))).toThrow('ENOENT');
});

test('each acknowledged event has a line of its own, although its writers were killed within one', async () => {
  const file = newFile();
  const acknowledged: string[] = [...(await killed(file))];
  // A kill within a write leaves any part of it; here surely one that ends within a line that was not acknowledged.
  const text = readFileSync(file, 'utf8');
  const cut = text.lastIndexOf('{"level"');
  const isAcknowledged = acknowledged.some((id) => text.slice(cut).includes(`"${id}"`));
  if (isAcknowledged) writeFileSync(file, '{"level":30,"msg":"limi', { flag: 'a' });
  else truncateSync(file, Buffer.byteLength(text.slice(0, cut)) + 100);
  acknowledged.push(...(await killed(file)));
  const events = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line): readonly AuditEvent[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  const written = new Set(events.map(({ target }) => target?.id));
  expect(acknowledged.length).toBeGreaterThan(1_000);
  expect(acknowledged.filter((id) => !written.has(id))).toEqual([]);
}, 120_000);
