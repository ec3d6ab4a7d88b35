import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const docs = join(import.meta.dirname, '../../../docs');
const rows = ['pitfalls.md', 'tried.md'].flatMap((page) =>
  readFileSync(join(docs, page), 'utf8')
    .split('\n')
    .filter((line) => /^\| (?!pitfall|smallest)/.test(line)),
);
const shown = rows.flatMap((row) =>
  [...row.matchAll(/\[([^\]]+)\]\((\.\.\/[^) ]+\.ts)(?: "([^"]+)")?\)/g)].map(
    // The name of the test, where it is not the text of the link, is its title.
    ([, text = '', file = '', title = text]) => ({ name: title, file }),
  ),
);

test('every row names what shows it', () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) expect(row).toContain('](../');
  // A link in another form would be checked by nobody.
  const links = rows.join('\n').match(/\]\(\.\.\/[^) ]+\.ts[ )]/g) ?? [];
  expect(shown).toHaveLength(links.length);
});

test.each(shown)('"$name" is in $file', ({ name, file }) => {
  expect(readFileSync(join(docs, file), 'utf8')).toContain(name);
});
