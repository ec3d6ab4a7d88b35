import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REQUIREMENTS, SECTIONS } from '../../../docs/.vitepress/standards/asvs.ts';
import { coveringTests, marksOf } from '../../../docs/.vitepress/standards/covering-tests.ts';
import { RISKS } from '../../../docs/.vitepress/standards/owasp.ts';
import { faultsIn, withTables } from '../../../docs/.vitepress/standards/tables.ts';

const root = join(import.meta.dirname, '../../..');
const covering = coveringTests();

test('each risk and requirement has a test, and tests name no others', () => {
  expect(faultsIn(covering)).toEqual([]);
});

test('a row without a test and a test without a row are reported by name', () => {
  const changed = new Map(covering);
  changed.delete('V9.2.3');
  changed.set('V9.9.9', [{ file: 'packages/core/src/some.test.ts', title: 'something' }]);
  expect(faultsIn(changed)).toEqual([
    'No test says "// Covers: V9.2.3".',
    'packages/core/src/some.test.ts: "// Covers: V9.9.9" names no row of a table.',
  ]);
});

test('the ten risks are those of 2023, each once', () => {
  const ids = RISKS.map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: 10 }, (_, index) => `API${index + 1}:2023`));
});

test('each requirement is one of ASVS 5.0, and stands in one row', () => {
  const ids = REQUIREMENTS.flatMap((row) => row.ids);
  expect(new Set(ids).size).toBe(ids.length);
  const missing = ids.filter((id) => {
    const [, section = '', number] = /^V(\d+\.\d+)\.(\d+)$/.exec(id) ?? [];
    return !(Number(number) >= 1 && Number(number) <= (SECTIONS.get(section) ?? 0));
  });
  expect(missing).toEqual([]);
});

test('everything that the rows name is exported, and their guides and examples exist', () => {
  const reports = readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name, 'api.md'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const used = REQUIREMENTS.flatMap(({ use }) =>
    [...use.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  const names = new Set([...used, ...RISKS.flatMap(({ policies }) => policies)]);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(reports))).toEqual([]);
  const paths = RISKS.flatMap(({ guides, examples }) => [
    ...guides.map((name) =>
      name === 'limits/guide' ? `docs/${name}.md` : `docs/guides/${name}.md`,
    ),
    ...examples.map((name) => `examples/${name}`),
  ]);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the pages list each test by its file and title', () => {
  for (const page of ['owasp.md', 'asvs.md']) {
    const text = withTables(readFileSync(join(root, 'docs', page), 'utf8'));
    expect(text).not.toContain('<!-- table');
  }
  expect(withTables('<!-- table: asvs -->')).toContain(
    '| 9.2.3 | The audience is this API | `audience` | ' +
      '[a bad token is denied with 401 invalid\\_token > another audience](../packages/core/src/tokens/authenticate-jwt.test.ts) |',
  );
});

describe('the title of a test that is marked', () => {
  test.each([
    ["test('is denied', () => {});", 'is denied'],
    [
      "describe('a token', () => {\n  // Covers: V9.2.3\n  test('is denied', () => {});\n});",
      'a token > is denied',
    ],
    [
      "test.each([\n  // Covers: V9.2.3\n  ['of another API', 1],\n])('a token %s: %s', () => {});",
      'a token of another API',
    ],
    ["test.each([['x', 1]])('a token %s is denied', () => {});", 'a token … is denied'],
    [
      "const rows = [\n  // Covers: V9.2.3\n  { name: 'old' },\n];\ntest.each(rows)('$name', () => {});",
      'old',
    ],
  ])('stands under the mark: %j', (text, title) => {
    const marked = text.includes('Covers') ? text : `// Covers: V9.2.3\n${text}`;
    expect(marksOf(marked, 'some.test.ts')).toEqual([{ ids: ['V9.2.3'], title }]);
  });

  test.each(['', 'const a = 1;', "const rows = [\n// Covers: V9.2.3\n'unused'];"])(
    'is missed where no test stands under it: %j',
    (text) => {
      const marked = text.includes('Covers') ? text : `// Covers: V9.2.3\n${text}`;
      expect(() => marksOf(marked, 'some.test.ts')).toThrow('no test stands under');
    },
  );
});
