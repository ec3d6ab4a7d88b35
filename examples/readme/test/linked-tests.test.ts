import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const docs = join(root, 'docs');

/** Pages whose every link to a test names the test: as its text, or as its title where the text is in other words. */
const NAMING = ['README.md', 'docs/checklist.md', 'docs/comparison.md', 'docs/concepts.md'];
/** What shows more than one test. */
const WHOLE_FILES = [
  'README.md: The tests',
  'README.md: a token of each',
  'README.md: the same contracts',
];

const LINK = /\[([^\]]+)\]\(([^)# ]+)(?:#[^) ]*)?(?: "([^"]+)")?\)/g;
const CODE = /^ *```[^]*?^ *```$/gm;

const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((page) => page !== '' && !page.endsWith('api.md') && existsSync(join(root, page)));

const linked = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').replace(CODE, '').matchAll(LINK)].flatMap(
    ([, text = '', path = '', title]) =>
      /^(?:[a-z]+:|\/)/.test(path)
        ? []
        : [{ page, text, title, file: join(root, dirname(page), decodeURI(path)) }],
  ),
);
const isTest = (file: string): boolean => /\.(test|test-d|slow)\.ts$/.test(file);

test('each page that names tests has such links', () => {
  for (const page of NAMING) {
    expect(
      linked.some((link) => link.page === page && isTest(link.file)),
      page,
    ).toBe(true);
  }
});

test.each(pages)('%s links to what is there', (page) => {
  const missing = linked.filter((link) => link.page === page && !existsSync(link.file));
  expect(missing.map(({ text, file }) => `${text}: ${file}`)).toEqual([]);
});

const named = linked.flatMap(({ page, text, title, file }) => {
  // In any source file: the cases that every adapter runs are not in test files.
  if (title !== undefined && /\.tsx?$/.test(file)) return [{ page, name: title, file }];
  if (!isTest(file)) return [];
  const isNaming = NAMING.includes(page) && !WHOLE_FILES.includes(`${page}: ${text}`);
  return isNaming && !isShownBy(page, text) ? [{ page, name: text, file }] : [];
});

test.each(named)('$page: "$name" is there', ({ name, file }) => {
  expect(readFileSync(file, 'utf8')).toContain(name);
});

/** At the end of a page, where a link is to a whole file. */
function isShownBy(page: string, text: string): boolean {
  const [, shown = ''] = readFileSync(join(root, page), 'utf8').split('\n## Shown by\n');
  return shown.includes(`[${text}]`);
}

test('the rows that the requirements name are those that are tried', () => {
  const page = readFileSync(join(docs, 'requirements.md'), 'utf8');
  const names = [...page.matchAll(/^\| [^|]*?\((`[^|]*`)\) \|/gm)].flatMap(([, list = '']) =>
    [...list.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
  expect(names.length).toBeGreaterThan(20);
  const tried = readFileSync(join(root, 'tooling/check-requirements.mjs'), 'utf8');
  for (const name of names) expect(tried).toContain(name.replace(/ (?:ts)?\d\d$/, ' ${'));
});

/** What makes no claim of its own: a list of words. */
const WITHOUT_CLAIMS = ['glossary.md'];

const claiming = ['.', 'guides', 'limits', 'migrating'].flatMap((folder) =>
  readdirSync(join(docs, folder))
    .filter((page) => page.endsWith('.md') && !WITHOUT_CLAIMS.includes(page))
    .map((page) => join(folder, page)),
);

test.each(claiming)('%s links to what shows that it is true', (page) => {
  const shows = linked.filter(
    (link) =>
      link.page === join('docs', page) &&
      (isTest(link.file) || /\/(bench|tooling)\//.test(link.file)),
  );
  expect(shows).not.toEqual([]);
});
