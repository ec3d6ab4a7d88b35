import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit } from '@apisec/core';
import * as postgres from '@apisec/postgres';
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../postgres/test/in-process.ts';
import { exportLines, verify } from '../src/audit-command.ts';
import type { Invocation } from '../src/command.ts';
import { terminal } from '../src/terminal.ts';
import { wordsOf } from './guide-commands.ts';
import { callCli, fixture, runCli } from './run-cli.ts';

const KEYS = fixture('audit-keys.ts');
const key = randomBytes(32);
const keys = { current: '1', keys: { 1: key } };
let folder: string;
let client: PGlite;
let lines: string;

/** Runs one half of the command on the packages of this repository, with these options. */
async function run(
  work: typeof verify | typeof exportLines,
  options: Readonly<Record<string, string>> = {},
) {
  let [out, err] = ['', ''];
  const streams = [
    { write: (text: string) => (out += text) },
    { write: (text: string) => (err += text), isTTY: true },
  ] as const;
  const invocation: Invocation = {
    positionals: [],
    flag: () => false,
    text: (name) => options[name],
    texts: () => [],
    terminal: terminal(...streams, { json: options['json'] !== undefined, color: false }),
  };
  const code = await work({ ...postgres }, { client, keys }, invocation);
  return { code, out, err };
}

async function file(content: string): Promise<string> {
  const path = join(folder, `${randomUUID()}.jsonl`);
  await writeFile(path, content);
  return path;
}

beforeAll(async () => {
  process.env['AUDIT_KEY'] = key.toString('base64url');
  folder = await mkdtemp(join(tmpdir(), 'apisec-audit-'));
  client = await openInProcess();
  await postgres.migrate(client);
  const sinks = [postgres.postgresAuditSink(client, { keys })];
  const log = audit({ sinks, queue: { maxBatch: 1 } });
  for (const id of ['alice', 'bob', 'carol']) {
    await log.record({ act: 'limit.reset', target: { type: 'user', id } });
  }
  await log.close();
  lines = (await run(exportLines)).out;
});
afterAll(async () => {
  delete process.env['AUDIT_KEY'];
  await client.close();
  await rm(folder, { recursive: true, force: true });
});

test('a trail in its database verifies, with its progress on a terminal alone', async () => {
  const { code, out, err } = await run(verify);
  expect(code).toBe(0);
  expect(out).toContain('3 events in 4 blocks\nNothing was changed.\nWithout --anchor nobody can');
  expect(err).toContain('4 blocks');
  const json = await run(verify, { json: '' });
  expect([json.err, JSON.parse(json.out)]).toMatchObject(['', { ok: true, complete: true }]);
});

test('an anchor reveals that the end of a trail was cut off', async () => {
  const anchor = join(folder, 'anchor.json');
  expect(await run(verify, { 'write-anchor': anchor })).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(anchor, 'utf8'))).toMatchObject([{ seq: 4 }]);
  const [head = '', ...blocks] = lines.trimEnd().split('\n');
  const { seq, hash } = JSON.parse(blocks[1] ?? '').block;
  const cut = [JSON.stringify({ ...JSON.parse(head), end: { seq, hash } }), ...blocks.slice(0, 2)];
  const shorter = await file(`${cut.join('\n')}\n`);
  expect(await run(verify, { lines: shorter })).toMatchObject({ code: 0 });
  const { code, out } = await run(verify, { lines: shorter, anchor });
  expect([code, out]).toEqual([1, expect.stringContaining('anchor missing   block 4')]);
});

test('a trail that was changed is reported, and leaves no anchor', async () => {
  const anchor = join(folder, 'none.json');
  const changed = await file(lines.replace('bob', 'eve'));
  const { code, out } = await run(verify, { lines: changed, 'write-anchor': anchor });
  expect([code, out]).toEqual([1, expect.stringContaining('event changed   block 2, event 0')]);
  expect(out).toContain('The trail was changed.');
  await expect(readFile(anchor)).rejects.toThrow('ENOENT');
});

test('a writer that was killed shows, with what it had accepted and never wrote', async () => {
  let trail = '';
  const sink = postgres.chainLines((more) => void (trail += more), { keys });
  const log = audit({ sinks: [sink], queue: { maxBatch: 1 } });
  const acts = ['alice', 'bob', 'carol'].map((id) =>
    log.record({ act: 'limit.reset', target: { type: 'user', id } }),
  );
  await Promise.all(acts);
  await log.close();
  // As if it had been killed behind its first block: that stands behind the head.
  const [head = '', first = ''] = trail.split('\n');
  const { code, out } = await run(verify, { lines: await file(`${head}\n${first}\n`) });
  expect(code).toBe(0);
  expect(out).toContain(
    '1 written, 2 accepted and never written, 0 lost, killed, or still running',
  );
});

test('an auditor verifies lines with the keys that a module exports, as the guide says', async () => {
  const anchor = await file('[{"seq":4,"hash":"of another trail"}]');
  const words = (trail: string) =>
    wordsOf('audit verify', { './keys.js': KEYS, 'trail.jsonl': trail, 'anchor.json': anchor });
  const other = await runCli(words(await file(lines)));
  expect([other.code, other.err]).toEqual([1, '']);
  expect(other.out).toContain('anchor missing   block 4');
  expect(await run(verify, { 'write-anchor': anchor })).toMatchObject({ code: 0 });
  const { code, out, err } = await runCli([...words(await file(lines)), '--json']);
  expect([code, err]).toEqual([0, '']);
  expect(JSON.parse(out)).toMatchObject({ ok: true, events: 3, blocks: 4 });
}, 60_000);

test('a trail without a block is not one that verifies', async () => {
  const [head = '{}'] = lines.split('\n');
  const empty = await file(`${JSON.stringify({ ...JSON.parse(head), end: undefined })}\n`);
  const { code, out } = await run(verify, { lines: empty });
  expect([code, out]).toEqual([1, expect.stringContaining('nothing was verified')]);
});

test.each<[string, readonly string[], RegExp]>([
  ['without an action', ['audit'], /denials, verify or export/],
  ['without a module', ['audit', 'verify'], /name the module/],
  ['with a module without a chain', ['audit', 'verify', fixture('guards.ts')], /export chain/],
  ['with a module that has keys alone', ['audit', 'verify', KEYS], /export chain/],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, out, err } = await callCli(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(told);
});
