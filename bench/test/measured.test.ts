import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withMeasured } from '../../docs/.vitepress/measured.ts';
import {
  chartPath,
  drawTable,
  hasChart,
  latestRuns,
  runReport,
  tableReport,
} from '../charts/run-report.ts';
import { inTurns } from '../in-turns.ts';
import { record, runOf } from '../measurements.ts';

const root = join(import.meta.dirname, '../..');
const page = withMeasured(readFileSync(join(root, 'docs/measured.md'), 'utf8'));

describe.each(latestRuns())('the latest run of $name', (run) => {
  test('is told by its Markdown, by its charts and by the page', () => {
    const markdown = join(root, 'bench/measured/parts', `${run.name}.md`);
    expect(readFileSync(markdown, 'utf8')).toBe(runReport(run));
    for (const [at, table] of run.tables.entries()) {
      expect(page).toContain(tableReport(table));
      if (!hasChart(table)) continue;
      expect(page).toContain(`](${chartPath(run, at)})`);
      const chart = join(root, 'docs/public', chartPath(run, at));
      expect(readFileSync(chart, 'utf8')).toBe(drawTable(table));
    }
  });
});

test('there are runs of what the site compares', () => {
  const names = latestRuns().map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['audit', 'egress', 'sessions', 'surface']));
});

test('a table shows the median beside the best round, and multiples of the first row', () => {
  const rows = [
    { name: 'here', value: 2, best: 1.5 },
    { name: 'a | b', value: 5, best: 4 },
  ];
  expect(tableReport({ title: 'One call', unit: 'µs', rows })).toBe(
    [
      '| One call | median, µs | best, µs | × the first |',
      '| --- | --: | --: | --: |',
      '| here | 2 | 1.5 | 1.00 |',
      '| a \\| b | 5 | 4 | 2.50 |',
    ].join('\n'),
  );
});

test('contenders who take turns have a median that is not below their best round', async () => {
  const times = await inTurns({ one: () => 1, two: async () => 2 }, { each: 5, rounds: 3 });
  expect([...times.keys()]).toEqual(['one', 'two']);
  for (const { best, median } of times.values()) expect(median).toBeGreaterThanOrEqual(best);
});

test('a run keeps what was recorded, to three digits', () => {
  expect(runOf('nothing')).toBeUndefined();
  record('Bytes', 'bytes', [{ name: 'here', value: 83.456 }]);
  expect(runOf('some')).toMatchObject({
    name: 'some',
    tables: [{ title: 'Bytes', unit: 'bytes', rows: [{ name: 'here', value: 83.5 }] }],
  });
});
