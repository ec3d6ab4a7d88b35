import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const folder = join(here, '.guide');
const TIMEOUT = 60_000;

const blocks = readBlocks(join(root, 'docs/limits/guide.md'));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of blocks) writeFileSync(join(folder, file), text);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.test.json', include: ['*.ts'] }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every block that is in the guide is one that is tested here', () => {
  expect(blocks.map(({ file }) => file)).toEqual([
    'members.ts',
    'algorithms.ts',
    'tiers.ts',
    'cost.ts',
    'redis.ts',
    'peer.ts',
    'exports.ts',
    'login.ts',
    'abuse.ts',
    'load.ts',
  ]);
});

// One of them expects an error, so nothing passes here because types were not found.
test(
  'every block of the guide compiles as it stands',
  () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toBe('');
  },
  TIMEOUT,
);

// Most mistakes in options are no errors of types, and are told when a policy is made.
test(
  'every block of the guide makes the policies that it shows',
  () => {
    const program = blocks.map(({ file }) => `await import('./${file}');`).join('\n');
    // A client goes on looking for its Redis.
    writeFileSync(join(folder, 'all.mjs'), `${program}\nprocess.exit(0);\n`);
    const args = ['--conditions=@apisec/source', '--import=tsx', 'all.mjs'];
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('');
  },
  TIMEOUT,
);
