import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledFolder } from '../src/compiled-folder.ts';
import { importable, snippetsOf } from '../src/snippets.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const project = compiledFolder('.snippets');
const settings = join(here, 'src/settings');
// Their blocks are whole files, which pages.test.ts and testing-guide.test.ts compile as they stand.
const WHOLE = ['callers.md', 'coverage.md', 'testing.md', 'web-sockets.md'];

const packages = importable(root);
const guides = readdirSync(join(root, 'docs/guides')).filter((page) => !WHOLE.includes(page));
const pages = [...guides.map((page) => `guides/${page}`), 'concepts.md', 'runtimes.md'];
const snippets = pages.flatMap((page) => {
  const own = join(settings, page.replace('/', '-').replace('.md', '.ts'));
  const given = [join(settings, 'common.ts'), ...(existsSync(own) ? [own] : [])];
  return snippetsOf(join(root, 'docs', page), given, packages);
});

beforeAll(() => project.write(snippets));
afterAll(project.remove);

test('every block of code in the guides compiles, beside what its reader has already', () => {
  expect(snippets.length).toBeGreaterThan(80);
  expect(project.compile()).toBe('');
}, 60_000);

test('a settings file belongs to a page', () => {
  const names = pages.map((page) => page.replace('/', '-').replace('.md', '.ts'));
  for (const file of readdirSync(settings)) {
    expect(['common.ts', 'documents.ts', ...names]).toContain(file);
  }
});
