import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';
import { compiledFolder } from '../src/compiled-folder.ts';

const root = join(import.meta.dirname, '../../..');
const project = compiledFolder('.guide');
const folder = project.path;
const TIMEOUT = 60_000;

const blocks = readBlocks(join(root, 'docs/limits/guide.md'));

beforeAll(() => project.write(blocks));
afterAll(project.remove);

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
    expect(project.compile()).toBe('');
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
