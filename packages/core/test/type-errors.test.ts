import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, 'type-errors');
const tsc = join(import.meta.dirname, '../../../node_modules/.bin/tsc');

/** What the compiler says of `mistakes.ts`, by line, counted from 1. */
function errors(): ReadonlyMap<number, string> {
  const { stdout } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  const told = new Map<number, string>();
  for (const text of stdout.split(/\n(?=\S)/)) {
    const [, line] = /mistakes\.ts\((\d+),/.exec(text) ?? [];
    if (line !== undefined) told.set(Number(line), text);
  }
  return told;
}

// The compiler has all of core to read, on machines that do something else as well.
test('the compiler says of each mistake what its comment says, in at most six lines', () => {
  const told = errors();
  const expected = readFileSync(join(folder, 'mistakes.ts'), 'utf8')
    .split('\n')
    .flatMap((each, at) => (each.startsWith('// > ') ? [[at + 2, each.slice(5)] as const] : []));
  expect([...told.keys()]).toEqual(expected.map(([line]) => line));
  for (const [line, words] of expected) {
    expect(told.get(line)).toContain(words);
    expect(told.get(line)?.trim().split('\n').length).toBeLessThanOrEqual(6);
  }
}, 30_000);
