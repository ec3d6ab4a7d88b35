import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';
import { compiledFolder } from '../src/compiled-folder.ts';

const root = join(import.meta.dirname, '../../..');
const project = compiledFolder('.testing-guide');
const folder = project.path;
const TIMEOUT = 60_000;

const blocks = readBlocks(join(root, 'docs/guides/testing.md'));

beforeAll(() => project.write(blocks));
afterAll(project.remove);

test(
  'every block of the guide to testing compiles as it stands',
  () => {
    expect(project.compile()).toBe('');
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
