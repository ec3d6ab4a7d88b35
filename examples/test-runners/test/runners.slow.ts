import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const cwd = join(import.meta.dirname, '..');
const { NODE_OPTIONS: _, ...env } = process.env;
const run = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });

test('node:test runs the same cases', () => {
  const told = run(
    '--conditions=@apisec/source',
    '--import',
    'tsx',
    '--test',
    '--test-reporter=tap',
    'test/orders.node-test.ts',
  );
  expect(told).toMatch(/^# pass 4$/m);
  expect(told).toMatch(/^# fail 0$/m);
});

test('jest runs the same cases', () => {
  const jest = join(cwd, 'node_modules/jest/bin/jest.js');
  const told = JSON.parse(run('--experimental-vm-modules', jest, '--json', '--silent')) as object;
  expect(told).toMatchObject({ numPassedTests: 4, numFailedTests: 0 });
});
