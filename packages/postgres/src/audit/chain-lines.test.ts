import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type AuditOptions, type AuditReceipt, audit } from '@apisec/core';
import { expect, onTestFinished, test } from 'vitest';
import { type AuditChainKeys, chainLines, verifyChainExport } from '../index.ts';

const keys: AuditChainKeys = { current: '1', keys: { 1: randomBytes(32) } };
const root = join(import.meta.dirname, '../../../..');

type Write = (text: string) => unknown;

function setUp(write?: Write, options: Partial<AuditOptions> = {}) {
  let text = '';
  const add = (more: string): void => {
    text += more;
  };
  const sink = chainLines(write ?? add, { keys });
  const log = audit({ sinks: [sink], onFault: () => undefined, ...options });
  return { log, sink, add, lines: () => text.split('\n').slice(0, -1) };
}

const act = (log: ReturnType<typeof setUp>['log'], id: number): Promise<AuditReceipt> =>
  log.record({ act: 'limit.reset', target: { type: 'limit', id: String(id) } });

const verify = (lines: readonly string[], options = {}) =>
  verifyChainExport(Readable.from(lines), { keys, ...options });

/** A head, three blocks of one event each, and the block that closes. */
async function written() {
  const { log, sink, lines } = setUp();
  for (let id = 0; id < 3; id++) await act(log, id);
  await log.close();
  return { lines: lines(), anchor: sink.anchor() };
}

test('a written chain verifies, and is complete', async () => {
  const { lines, anchor } = await written();
  expect(lines).toHaveLength(5);
  expect(await verify(lines, { anchors: [anchor] })).toMatchObject({
    ok: true,
    complete: true,
    blocks: 4,
    events: 3,
    head: anchor,
    writers: [{ written: 3, unwritten: 0, lost: 0, closed: true }],
  });
});

const swap = (line: string, from: string, to: string): string => {
  expect(line).toContain(from);
  return line.replace(from, to);
};

test.each<readonly [string, (lines: string[]) => string[], string]>([
  [
    'an event that was changed',
    (lines) => lines.with(2, swap(lines[2] ?? '', '\\"id\\":\\"1\\"', '\\"id\\":\\"7\\"')),
    'event_changed',
  ],
  ['a block that was left out', (lines) => lines.toSpliced(2, 1), 'block_missing'],
  [
    'blocks that were swapped',
    (lines) => lines.with(2, lines[3] ?? '').with(3, lines[2] ?? ''),
    'block_missing',
  ],
  [
    'a block that is there twice',
    (lines) => lines.toSpliced(3, 0, lines[2] ?? ''),
    'block_missing',
  ],
  [
    'a count that was lowered',
    (lines) => lines.with(2, swap(lines[2] ?? '', '"count":1', '"count":0')),
    'block_changed',
  ],
  [
    'an event that was added',
    (lines) => [...lines, '{"chain":"audit","added":[2,1,"{}"]}'],
    'event_added',
  ],
])('shows %s', async (_what, tamper, kind) => {
  const { lines } = await written();
  const report = await verify(tamper(lines));
  expect(report.ok).toBe(false);
  expect(report.problems.map((problem) => problem.kind)).toContain(kind);
});

test('an end that was cut off shows by an anchor, and by a writer that did not close', async () => {
  const { lines, anchor } = await written();
  const cut = lines.slice(0, -2);
  expect(await verify(cut)).toMatchObject({ ok: true, complete: false });
  expect(await verify(cut, { anchors: [anchor] })).toMatchObject({ ok: false });
});

test('half a line at the end is not a block, and anywhere else the file is not read', async () => {
  const { lines } = await written();
  const half = (lines.at(-1) ?? '').slice(0, 90);
  expect(await verify([...lines.slice(0, -1), half])).toMatchObject({
    ok: true,
    complete: false,
    blocks: 3,
  });
  await expect(verify(lines.with(2, half))).rejects.toThrow('not JSON');
});

test('a write that fails is the last one: what it would have held is denied, and never acknowledged', async () => {
  let fails = false;
  let text = '';
  const { log } = setUp(
    (more) => {
      text += fails ? more.slice(0, 40) : more;
      if (fails) throw new Error('ENOSPC');
    },
    { queue: { flushAfter: '1ms' } },
  );
  expect(await act(log, 0)).toEqual({ ok: true });
  fails = true;
  const waiting = act(log, 1);
  await expect.poll(() => log.stats()[0]?.healthy).toBe(false);
  fails = false;
  const length = text.length;
  await log.close('200ms');
  expect(await waiting).toMatchObject({ ok: false });
  expect(text).toHaveLength(length);
  expect(await verify(text.split('\n'))).toMatchObject({ ok: true, complete: false, events: 1 });
});

test('a write that was given up on and came through stands there once', async () => {
  let release = (): void => undefined;
  let isSlow = true;
  const { log, add, lines } = setUp(
    async (more) => {
      if (isSlow) await new Promise<void>((resolve) => (release = resolve));
      isSlow = false;
      add(more);
    },
    { queue: { timeout: '50ms' } },
  );
  const waiting = act(log, 0);
  await expect.poll(() => log.stats()[0]?.healthy).toBe(false);
  release();
  // Whoever waited was told in time that it was not known; it is offered again, and was written by then.
  expect(await waiting).toMatchObject({ ok: false, problem: 'late' });
  await expect.poll(() => log.stats()[0]?.written).toBe(1);
  expect(await act(log, 1)).toEqual({ ok: true });
  await log.close();
  const report = await verify(lines());
  expect(report).toMatchObject({ ok: true, complete: true, events: 2 });
});

test('a sink belongs to one audit: a second one gets an error, and writes nothing', async () => {
  const { log, sink, lines } = setUp();
  await act(log, 0);
  const faults: unknown[] = [];
  const other = audit({ sinks: [sink], onFault: (fault) => void faults.push(fault) });
  void act(other, 1);
  await expect.poll(() => String(faults[0])).toContain('belongs to another audit');
  await other.close('50ms');
  expect(await act(log, 2)).toEqual({ ok: true });
  expect(await verify(lines())).toMatchObject({ ok: true, events: 2 });
});

test('every event that was acknowledged before kill -9 is in a chain that verifies, with the gap of the rest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apisec-chain-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'trail.jsonl');
  const key = join(folder, 'key');
  writeFileSync(key, randomBytes(32));
  const script = 'packages/postgres/test/chain-writing-process.ts';
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', script, file, key],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > 5_000) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const acknowledged = output.split('\n').slice(0, -1);
  const text = readFileSync(file, 'utf8');
  const opened = await open(file);
  const report = await verifyChainExport(opened.readLines(), {
    keys: { current: '1', keys: { 1: readFileSync(key) } },
  });
  expect(report).toMatchObject({ ok: true, complete: false, writers: [{ closed: false }] });
  expect(report.events).toBeGreaterThanOrEqual(acknowledged.length);
  expect(acknowledged.length).toBeGreaterThan(200);
  // What no line break ends was not acknowledged.
  const whole = text.slice(0, text.lastIndexOf('\n'));
  expect(acknowledged.filter((id) => !whole.includes(`\\"id\\":\\"${id}\\"`))).toEqual([]);
  expect(report.writers[0]?.unwritten).toBeGreaterThan(0);
}, 60_000);

test('no planted secret and no line break of a caller is in it', async () => {
  const { log, lines } = setUp();
  const secret = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
  await log.record({
    act: 'a.b',
    reason: `was ${secret}\n{"chain":"audit"}\u2028`,
    data: { password: 'hunter2', note: secret },
  });
  await log.close();
  expect(lines()).toHaveLength(3);
  expect(lines().join()).toContain('[redacted]');
  expect(lines().join()).not.toMatch(/hunter2|c2lnbmF0dXJl|\u2028/);
});

test.each([
  ['no function', 'trail.jsonl', { keys }, 'a function that writes text'],
  ['no keys', () => undefined, {}, 'keys'],
  ['a chain that is none', () => undefined, { keys, chain: 'a b' }, 'chain must be'],
  ['an unknown option', () => undefined, { keys, schema: 'x' }, '"schema" is not an option'],
])('cannot be constructed with %s', (_name, write, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => chainLines(write, options)).toThrow(message);
});
