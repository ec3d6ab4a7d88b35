import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';
import { compiledFolder } from '../src/compiled-folder.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const project = compiledFolder('.pages', ['*.ts', '*.mts']);
const folder = project.path;
const migrating = join(root, 'docs/migrating');
const pages = [
  ...readdirSync(migrating).map((page) => join(migrating, page)),
  join(root, 'docs/troubleshooting.md'),
  join(root, 'docs/guides/callers.md'),
  join(root, 'docs/guides/coverage.md'),
  join(root, 'docs/guides/web-sockets.md'),
];
/** A test of its own. */
const COVERAGE = 'coverage-test.ts';
/** Imports what is there on Deno alone. */
const DENO = 'live-hono.ts';
const blocks = pages.flatMap(readBlocks).filter(({ file }) => file.endsWith('.ts'));

/** The programs of the start page, as a user of TypeScript saves them.  */
const started = [
  ...readFileSync(join(root, 'docs/start.md'), 'utf8').matchAll(
    /^```ts \[([^\]]+)\]\n([^]*?)^```$/gm,
  ),
]
  .map(([, label = '', text = '']) => ({ label, text }))
  // JavaScript alone: the next tab is the same with types.
  .filter(({ label }) => label !== 'gRPC');

beforeAll(() => {
  const programs = started.map(({ label, text }) => ({
    file: label === 'policy.mjs' ? 'policy.mts' : `start-${label.replace(/\W+/g, '-')}.mts`,
    text,
  }));
  project.write([...programs, ...blocks]);
});
afterAll(project.remove);

test('every page that shows how to move over has code, under a name of its own', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(pages.length);
  expect(new Set(blocks.map(({ file }) => file)).size).toBe(blocks.length);
});

test('the start page has a program in TypeScript for each framework', () => {
  expect(started.map(({ label }) => label)).toEqual([
    'policy.mjs',
    'Express',
    'Fastify',
    'Hono',
    'Apollo',
    'gRPC, TypeScript',
    'policy.mjs, Auth0',
    'policy.mjs, Keycloak on this machine',
    'policy.mjs, any other',
  ]);
});

test('the code of these pages compiles as it stands', () => {
  expect(project.compile()).toBe('');
}, 60_000);

const run = (file: string) =>
  execFileSync(process.execPath, ['--conditions=@apisec/source', '--import=tsx', file], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, STRIPE_WEBHOOK_SECRET: `whsec_${randomUUID()}` },
  });

// Most mistakes in options are no errors of types, and are told when a policy is made.
test('the code of these pages makes what it shows', () => {
  const files = blocks.map(({ file }) => file).filter((file) => file !== COVERAGE && file !== DENO);
  const imports = files.map((file) => `await import('./${file}');`).join('\n');
  // A client goes on looking for its Redis.
  writeFileSync(join(folder, 'all.mjs'), `${imports}\nprocess.exit(0);\n`);
  expect(run('all.mjs')).toBe('');
}, 60_000);

test('the test in the guide to coverage passes', () => {
  expect(run(COVERAGE)).toMatch(/^# pass 1$/m);
}, 60_000);
