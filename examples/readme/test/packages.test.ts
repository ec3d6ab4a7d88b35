import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const folder = join(here, '.packages');
const first = readBlocks(join(root, 'README.md'));
const tested = new Map(first.map(({ file, text }) => [file, text]));

const packages = readdirSync(join(root, 'packages')).filter((name) => {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  return manifest.private !== true;
});
const blocksOf = (name: string) => readBlocks(join(root, 'packages', name, 'README.md'));
const own = packages.flatMap(blocksOf).filter(({ file }) => !tested.has(file));
// These two are commands, which nothing here is installed with.
const sources = {
  apisec: ['../../../packages/cli/src/index.ts'],
  'create-apisec': ['../../../packages/create-apisec/src/index.ts'],
};

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of own) writeFileSync(join(folder, file), text);
  writeFileSync(join(folder, 'policy.ts'), tested.get('policy.ts') ?? '');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.test.json',
      compilerOptions: { paths: sources },
      include: ['*.ts'],
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A registry shows them; examples that are in the first README too are tested there.
test.each(packages)(
  '@apisec/%s has a README that says how it is used, like the first one',
  (name) => {
    const blocks = blocksOf(name);
    expect(blocks).not.toEqual([]);
    for (const { file, text } of blocks) expect(tested.get(file) ?? text).toBe(text);
  },
);

test('every other block in the READMEs of packages has a name of its own, and compiles as it stands', () => {
  expect(own.length).toBeGreaterThan(10);
  expect(new Set(own.map(({ file }) => file)).size).toBe(own.length);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toBe('');
}, 60_000);

// Most mistakes in options are no errors of types, and are told when something is made.
test('every other block in the READMEs of packages makes what it shows', () => {
  const imports = own.map(({ file }) => `await import('./${file}');`).join('\n');
  // A client goes on looking for its Redis.
  writeFileSync(join(folder, 'all.mjs'), `${imports}\nprocess.exit(0);\n`);
  const key = randomBytes(32).toString('base64');
  const output = execFileSync(
    process.execPath,
    ['--conditions=@apisec/source', '--import=tsx', 'all.mjs'],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, CLIENT_SECRET: randomUUID(), COOKIE_KEY: key },
    },
  );
  // The README of graphql prints the fields of an operation.
  expect(output.match(/Query\.orders/g)).toHaveLength(2);
}, 60_000);
