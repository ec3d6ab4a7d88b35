import type { MarkdownRenderer } from 'vitepress';
import { CHAPTERS, REQUIREMENTS } from './asvs.ts';
import { type CoveringTest, coveringTests } from './covering-tests.ts';
import { RISKS } from './owasp.ts';

type Tests = ReturnType<typeof coveringTests>;

/** What stands in a page where a table is to be. */
const TABLES: Readonly<Record<string, (tests: Tests) => string>> = {
  '<!-- table: owasp -->': risks,
  '<!-- table: asvs -->': requirements,
};

/** Puts the tables of the standards into the pages that ask for them, before anything reads their Markdown. */
export function standardTables(md: MarkdownRenderer): void {
  md.core.ruler.before('normalize', 'standard-tables', (state) => {
    state.src = withTables(state.src);
  });
}

let read: Tests | undefined;

/** The text of a page with its tables. It throws where a row has no test, and where a test names what has no row. */
export function withTables(page: string): string {
  let text = page;
  for (const [place, table] of Object.entries(TABLES)) {
    if (!text.includes(place)) continue;
    read ??= coveringTests();
    const faults = faultsIn(read);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    text = text.replace(place, table(read));
  }
  return text;
}

/** Rows that no test names, and tests that name what is in no row. */
export function faultsIn(tests: Tests): readonly string[] {
  const rows = [...RISKS.map(({ id }) => id), ...REQUIREMENTS.flatMap(({ ids }) => ids)];
  const unknown = [...tests].filter(([id]) => !rows.includes(id));
  return [
    ...rows.filter((id) => !tests.has(id)).map((id) => `No test says "// Covers: ${id}".`),
    ...unknown.map(([id, [test]]) => `${test?.file}: "// Covers: ${id}" names no row of a table.`),
  ];
}

function risks(tests: Tests): string {
  return table(
    ['Risk', 'Policies', 'Guide', 'Example', 'Tests'],
    RISKS.map(({ id, name, policies, guides, examples }) => [
      `${id} ${name}`,
      policies.map((policy) => `\`${policy}\``).join(', '),
      guides.map(guideLink).join(', '),
      examples.map((example) => `[${example}](../examples/${example})`).join(', '),
      links(tests.get(id) ?? []),
    ]),
  );
}

function requirements(tests: Tests): string {
  const chapters = Object.entries(CHAPTERS).map(([chapter, title]) => {
    const rows = REQUIREMENTS.filter(({ ids }) => ids[0]?.startsWith(`${chapter}.`));
    const cells = rows.map(({ ids, short, use }) => [
      ids.map((id) => id.slice(1)).join(', '),
      short,
      use,
      links(distinct(ids.flatMap((id) => tests.get(id) ?? []))),
    ]);
    return `## ${chapter} ${title}\n${table(['Requirement', 'In short', 'Use', 'Tests'], cells)}`;
  });
  return chapters.join('\n\n');
}

const guideLink = (guide: string): string =>
  guide === 'limits/guide'
    ? '[limits](./limits/guide.md)'
    : `[${guide.replaceAll('-', ' ')}](./guides/${guide}.md)`;

const distinct = (tests: readonly CoveringTest[]): readonly CoveringTest[] => [
  ...new Map(tests.map((test) => [`${test.file} ${test.title}`, test])).values(),
];

const links = (tests: readonly CoveringTest[]): string =>
  tests.map(({ file, title }) => `[${escaped(title)}](../${file})`).join('<br>');

/** Titles are text: what Markdown, HTML and Vue would read otherwise is shown as it is. */
const escaped = (title: string): string =>
  title
    .replace(/[\\`*_[\]|]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('{{', '{&#8203;{');

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
