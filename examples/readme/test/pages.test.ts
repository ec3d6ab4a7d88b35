import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const folder = join(here, '.pages');
const migrating = join(root, 'docs/migrating');
const pages = [
  ...readdirSync(migrating).map((page) => join(migrating, page)),
  join(root, 'docs/troubleshooting.md'),
  join(root, 'docs/guides/callers.md'),
  join(root, 'docs/guides/coverage.md'),
  join(root, 'docs/guides/web-sockets.md'),
];
const blocks = pages.flatMap(readBlocks).filter(({ file }) => file.endsWith('.ts'));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of blocks) writeFileSync(join(folder, file), text);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.test.json', include: ['*.ts'] }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every page that shows how to move over has code, under a name of its own', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(pages.length);
  expect(new Set(blocks.map(({ file }) => file)).size).toBe(blocks.length);
});

test('the code of these pages compiles as it stands', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toBe('');
}, 60_000);
