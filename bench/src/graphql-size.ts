import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyses, documentOf } from '../graphql/documents.ts';
import { chart } from '../scale/chart.ts';

/** How the time of an analysis grows with its document, as a chart in the documentation. */
const sizes = [250, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000];
const COLORS = ['#0b6e4f', '#2a9d8f', '#c1121f', '#6c757d'];
const ROUNDS = 40;

const documents = sizes.map(documentOf);
const cases = Object.entries(analyses).map(([name, analyze], index) => ({
  name,
  analyze,
  color: COLORS[index] ?? '#000000',
  best: documents.map(() => Number.POSITIVE_INFINITY),
}));
// In turns, and the best of several rounds: what else the machine does makes a round longer, never shorter.
for (let round = 0; round < ROUNDS; round++) {
  for (const [at, document] of documents.entries()) {
    for (const { analyze, best } of cases) {
      const began = process.cpuUsage();
      analyze(document);
      const { user, system } = process.cpuUsage(began);
      best[at] = Math.min(best[at] ?? 0, (user + system) / 1_000);
    }
  }
}
const lines = cases.map(({ name, color, best }) => ({
  name,
  color,
  points: documents.map(({ tokens }, at) => [tokens, best[at] ?? 0] as const),
}));
const file = join(import.meta.dirname, '../../docs/public/graphql-analysis.svg');
writeFileSync(
  file,
  chart([{ title: 'milliseconds of CPU for one document', lines }], {
    title: 'Analysis of a GraphQL document, by its size',
    x: 'tokens',
    y: 'ms',
    maxX: 16_000,
    shades: [{ from: 15_000, to: 16_000, name: 'denied' }],
  }),
);
for (const { name, points } of lines) {
  console.log(name, points.map(([x, y]) => `${x}: ${y.toFixed(2)} ms`).join('  '));
}
console.log(`written to ${file}`);
