import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { importable, snippetsOf } from '../src/snippets.ts';

const root = join(import.meta.dirname, '../../..');
const packages = importable(root);

/** Pages whose blocks are whole programs, each with the test that runs them. */
const WHOLE: Readonly<Record<string, string>> = {
  'README.md': 'readme.test.ts',
  'docs/guides/callers.md': 'pages.test.ts',
  'docs/guides/coverage.md': 'pages.test.ts',
  'docs/guides/testing.md': 'testing-guide.test.ts',
  'docs/guides/web-sockets.md': 'pages.test.ts',
  'docs/limits/guide.md': 'guide.test.ts',
  'docs/start.md': 'start-page.test.ts',
  'docs/troubleshooting.md': 'troubleshooting.test.ts',
};
/** The same for whole folders. */
const WHOLE_FOLDERS: Readonly<Record<string, string>> = {
  'docs/migrating': 'pages.test.ts',
  packages: 'packages.test.ts',
};
/** What cannot run here, with the reason: the blocks of a page, or one of them by its name. */
const CANNOT_RUN: Readonly<Record<string, string>> = {
  'docs/compile-time.md':
    'Each block is a mistake that does not compile. compile-time.test.ts compares what the compiler says.',
  'docs/guides/web-sockets.md live-hono.ts':
    'It imports what there is on Deno alone. pages.test.ts compiles it; npm run test:runtimes tries WebSockets on Deno.',
};

const isWhole = (page: string): boolean =>
  page in WHOLE || Object.keys(WHOLE_FOLDERS).some((folder) => page.startsWith(`${folder}/`));

/** Pages with code. What packages export (`api.md`) are signatures that a tool writes. */
const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((page) => page !== '' && !page.endsWith('api.md') && existsSync(join(root, page)))
  .filter((page) => /^ *```(?:ts|js|tsx|mjs|mts)\b/m.test(readFileSync(join(root, page), 'utf8')));

/** Pages and blocks, as tests name them for `runGuide`. */
const run = readdirSync(import.meta.dirname)
  .filter((file) => file.startsWith('running-'))
  .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
  .flatMap((text) => [...text.matchAll(/runGuide\(\s*'([\w-]+)',\s*\[([\d, ]+)\]/g)])
  .flatMap(([, guide, list = '']) => list.split(',').map((at) => `${guide} ${Number(at)}`));

test('every block of code in the pages is run', () => {
  const blocks = pages
    .filter((page) => !isWhole(page) && !(page in CANNOT_RUN))
    .flatMap((page) =>
      snippetsOf(join(root, page), [], packages).map(
        (_snippet, at) => `${/([\w-]+)\.md$/.exec(page)?.[1]} ${at}`,
      ),
    );
  expect(blocks.length).toBeGreaterThan(100);
  expect(run.toSorted()).toEqual(blocks.toSorted());
});

test('a page whose blocks are whole programs has its test, which reads it', () => {
  for (const [page, file] of [...Object.entries(WHOLE), ...Object.entries(WHOLE_FOLDERS)]) {
    const name = page.replace('docs/', '').split('/').at(-1) ?? '';
    expect(readFileSync(join(import.meta.dirname, file), 'utf8'), file).toContain(name);
    expect(pages.some((each) => each === page || dirname(each).startsWith(page))).toBe(true);
  }
});

test('two things cannot run, and say why', () => {
  const named = Object.keys(CANNOT_RUN).map((name) => name.split(' '));
  expect(named).toEqual([['docs/compile-time.md'], ['docs/guides/web-sockets.md', 'live-hono.ts']]);
  for (const [page = '', block = '```ts twoslash'] of named) {
    expect(readFileSync(join(root, page), 'utf8')).toContain(block);
  }
  // Tests of whole programs leave out nothing else.
  for (const file of new Set([...Object.values(WHOLE), ...Object.values(WHOLE_FOLDERS)])) {
    const test = readFileSync(join(import.meta.dirname, file), 'utf8');
    expect([...test.matchAll(/file !== (\w+)/g)].map(([, name]) => name)).toEqual(
      file === 'pages.test.ts' ? ['COVERAGE', 'DENO'] : [],
    );
  }
});
