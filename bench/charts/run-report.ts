import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement, Run } from '../measurements.ts';
import { barChart } from './bar-chart.ts';

const folder = join(import.meta.dirname, '../measured/parts');
const charts = join(import.meta.dirname, '../../docs/public/measured');

/** Writes a run as JSON, as Markdown, and as a chart for each of its tables; answers where. */
export function saveRun(run: Run): string {
  mkdirSync(folder, { recursive: true });
  mkdirSync(charts, { recursive: true });
  const file = join(folder, `${run.name}.json`);
  writeFileSync(file, `${JSON.stringify(run, undefined, 2)}\n`);
  writeFileSync(join(folder, `${run.name}.md`), runReport(run));
  // A run with fewer tables leaves no chart of the one before.
  for (const chart of readdirSync(charts)) {
    if (chart.replace(/-\d+\.svg$/, '') === run.name) rmSync(join(charts, chart));
  }
  for (const [at, table] of run.tables.entries()) {
    if (!hasChart(table)) continue;
    writeFileSync(join(charts, `${run.name}-${at}.svg`), drawTable(table));
  }
  return file;
}

/** The latest run of each benchmark, by name. */
export function latestRuns(): readonly Run[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Run);
}

/** The file of a chart, from the root of the site. */
export const chartPath = ({ name }: Run, table: number): string => `/measured/${name}-${table}.svg`;

/** A run as Markdown: each table with its figures, and as multiples of the first one. */
export function runReport({ name, measuredAt, node, processor, tables }: Run): string {
  const head = `\`npm run bench -- ${name}\`, ${measuredAt.slice(0, 10)}, Node ${node}, ${processor}`;
  return `${[head, ...tables.map(tableReport)].join('\n\n')}\n`;
}

export function tableReport({ title, unit, rows }: Measurement): string {
  const first = rows[0]?.value ?? 1;
  const hasBest = rows.some(({ best }) => best !== undefined);
  const heads = [
    cell(title),
    hasBest ? `median, ${unit}` : unit,
    ...(hasBest ? [`best, ${unit}`] : []),
    '× the first',
  ];
  const lines = rows.map(({ name, value, best }) => [
    cell(name),
    String(value),
    ...(hasBest ? [String(best ?? '')] : []),
    (value / first).toFixed(2),
  ]);
  const align = heads.map((_, at) => (at === 0 ? '---' : '--:'));
  return [heads, align, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Names are text, also where they look like marks of a table or of HTML. */
const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Whether the figures are costs of several, which can be compared by their bars. */
export const hasChart = ({ unit, rows }: Measurement): boolean =>
  rows.length > 1 && ['µs', 'bytes', 'commands'].includes(unit);

export function drawTable({ title, unit, rows }: Measurement): string {
  const groups = rows.map(({ name, value }) => ({ name, values: [value] }));
  return barChart(groups, { title, unit, series: [], nameWidth: 360 });
}
