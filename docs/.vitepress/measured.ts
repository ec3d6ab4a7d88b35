import type { MarkdownRenderer } from 'vitepress';
import { chartPath, hasChart, latestRuns, tableReport } from '../../bench/charts/run-report.ts';
import type { Run } from '../../bench/measurements.ts';

const PLACE = '<!-- measured -->';

/** Puts the latest run of each benchmark into the page that asks for it, before anything reads its Markdown. */
export function measuredTables(md: MarkdownRenderer): void {
  md.core.ruler.before('normalize', 'measured-tables', (state) => {
    state.src = withMeasured(state.src);
  });
}

/** The text of a page with its measured tables and charts. */
export const withMeasured = (page: string): string =>
  page.includes(PLACE) ? page.replace(PLACE, latestRuns().map(section).join('\n\n')) : page;

function section(run: Run): string {
  const { name, measuredAt, node, processor, tables } = run;
  const parts = tables.flatMap((table, at) => [
    tableReport(table),
    ...(hasChart(table) ? [`![${table.title}](${chartPath(run, at)})`] : []),
  ]);
  const how = `\`npm run bench -- ${name}\`, ${measuredAt.slice(0, 10)}, Node ${node}, ${processor}.`;
  return [`## ${name}`, how, ...parts].join('\n\n');
}
