import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const docs = join(import.meta.dirname, '../../../docs');

/**
 * Pages whose links to tests have the name of the test as their text, or as their title where the text is in other
 * words.
 */
const PAGES = ['checklist.md', 'comparison.md'];

const LINK = /\[([^\]]+)\]\((\.\.\/[^)# ]+)(?: "([^"]+)")?\)/g;

const linked = PAGES.flatMap((page) =>
  [...readFileSync(join(docs, page), 'utf8').matchAll(LINK)].map(
    ([, text = '', path = '', title = text]) => ({
      page,
      name: title,
      file: join(docs, dirname(page), path),
    }),
  ),
);
const tests = linked.filter(({ file }) => /\.(test|test-d|slow)\.ts$/.test(file));

test('there are such links on each page', () => {
  expect(new Set(tests.map(({ page }) => page))).toEqual(new Set(PAGES));
});

test.each(tests)('$page: "$name" is there', ({ name, file }) => {
  expect(readFileSync(file, 'utf8')).toContain(name);
});

test.each(linked.filter((link) => !tests.includes(link)))('$page: $file is there', ({ file }) => {
  expect(existsSync(file)).toBe(true);
});

/** What makes no claim of its own: an entry, a list of words. */
const WITHOUT_CLAIMS = ['index.md', 'glossary.md'];

const claiming = ['.', 'guides', 'limits', 'migrating'].flatMap((folder) =>
  readdirSync(join(docs, folder))
    .filter((page) => page.endsWith('.md') && !WITHOUT_CLAIMS.includes(page))
    .map((page) => join(folder, page)),
);

test.each(claiming)('%s links to what shows that it is true', (page) => {
  const shows = [...readFileSync(join(docs, page), 'utf8').matchAll(LINK)]
    .map(([, , path = '']) => join(docs, dirname(page), path))
    .filter((file) => /\.(test|test-d|slow)\.ts$|\/(bench|tooling)\//.test(file));
  expect(shows).not.toEqual([]);
  for (const file of shows) expect(existsSync(file), file).toBe(true);
});
