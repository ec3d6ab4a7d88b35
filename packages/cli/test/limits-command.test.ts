import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '@apisec/core';
import { expect, test } from 'vitest';
import { callCli, fixture } from './run-cli.ts';

const limits = (...args: readonly string[]) => callCli('limits', fixture('limits.ts'), ...args);

test("shows what is left of a caller's limits, and spends nothing", async () => {
  for (let time = 0; time < 2; time++) {
    const { code, out } = await limits('--caller', 'user-42', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      1,
      [
        { name: 'exports', capacity: 20, near: true },
        { name: 'orders', remaining: 20, near: false, resetAfterMs: 0 },
      ],
    ]);
    expect(Math.floor(JSON.parse(out)[0].remaining)).toBe(1);
  }
});

test('no limit is near to a caller who used none, or of one that is not asked for', async () => {
  expect(await limits('--caller', 'user-7')).toMatchObject({ code: 0 });
  expect(await limits('--caller', 'user-42', '--limit', 'orders')).toMatchObject({ code: 0 });
  expect(await limits('--caller', 'user-42', '--tenant', 'acme')).toMatchObject({ code: 0 });
});

/** A log in which these have called, each once. */
async function logOf(...callers: readonly Partial<AuditEvent>[]): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'apisec-')), 'audit.log');
  const known = { schema: 'apisec.audit/1', kind: 'decision', outcome: 'succeeded', time: 1 };
  const lines = callers.map((caller, id) => JSON.stringify({ ...known, id: `${id}`, ...caller }));
  await writeFile(file, `${lines.join('\n')}\nno event\n`);
  return file;
}

test('the limits that callers of a log are near to are shown, the nearest first', async () => {
  const log = await logOf(
    { principal: 'user-7' },
    { principal: 'user-42', tenant: 'acme' },
    { apiKey: 'robot' },
    { peer: '192.0.2.7' },
    { kind: 'act', principal: 'operator' },
  );
  const { code, out } = await limits('--log', log, '--json');
  const found = JSON.parse(out);
  expect([code, found]).toMatchObject([
    1,
    [
      { name: 'exports', caller: 'user-42', near: true },
      { name: 'exports', caller: 'robot', near: false },
    ],
  ]);
  expect(found).toHaveLength(2);
  const { out: text } = await limits('--log', log);
  expect(text).toMatch(/^exports {2}user-42 {2}bucket {2}1 of 20 left, whole again in \d+ s$/m);
});

test('a log of callers who used no limit is reported as such, however many there are', async () => {
  const many = Array.from({ length: 20_000 }, (_, id) => ({ principal: `user-${id}\n` }));
  const { code, out } = await limits('--log', await logOf(...many));
  expect([code, out]).toEqual([0, expect.stringMatching(/^None of the 20 busiest callers/)]);
});

test.each<[string, readonly string[], string]>([
  [
    'with a caller and a log',
    ['limits', fixture('limits.ts'), '--caller', 'x', '--log', 'y'],
    'or',
  ],
  ['with a log that is not there', ['limits', fixture('limits.ts'), '--log', '/none'], 'cannot be'],
  ['without a caller', ['limits', fixture('limits.ts')], '--caller user-42'],
  ['without a module', ['limits', '--caller', 'x'], 'name the module'],
  [
    'with a module that has none',
    ['limits', fixture('inventory.ts'), '--caller', 'x'],
    'must export limits',
  ],
  [
    'with a limit that is not there',
    ['limits', fixture('limits.ts'), '--caller', 'x', '--limit', 'y\n'],
    'the limits are exports, orders.',
  ],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, err } = await callCli(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(told)]);
});
