import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const folder = join(here, '.testing-guide');
const TIMEOUT = 60_000;

const blocks = readBlocks(join(root, 'docs/guides/testing.md'));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of blocks) writeFileSync(join(folder, file), text);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.test.json', include: ['*.ts'] }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  'every block of the guide to testing compiles as it stands',
  () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toBe('');
  },
  TIMEOUT,
);

test(
  'the tests in the guide to testing pass',
  () => {
    const files = blocks.map(({ file }) => file).filter((file) => file.endsWith('.test.ts'));
    expect(files).toHaveLength(6);
    // Vitest sets it, and a test runner in it would report to another one.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const args = ['--conditions=@apisec/source', '--import=tsx', '--test', '--test-reporter=tap'];
    const told = execFileSync(process.execPath, [...args, ...files], {
      cwd: folder,
      encoding: 'utf8',
      env,
    });
    expect(told).toMatch(/^# fail 0$/m);
    expect(told).toContain('an honest call');
    expect(Number(/^# pass (\d+)$/m.exec(told)?.[1])).toBeGreaterThan(20);
  },
  TIMEOUT,
);
