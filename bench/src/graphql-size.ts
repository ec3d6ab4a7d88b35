import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyses, documentOf } from '../graphql/documents.ts';
import { chart } from '../scale/chart.ts';

/** How the time of an analysis grows with its document, as a chart in the documentation. */
const sizes = [250, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000];
const COLORS = ['#0b6e4f', '#2a9d8f', '#c1121f', '#6c757d'];
const ROUNDS = 25;

function medianMs(run: () => unknown): number {
  for (let round = 0; round < ROUNDS; round++) run();
  const times = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
}

const documents = sizes.map(documentOf);
const lines = Object.entries(analyses).map(([name, analyze], index) => ({
  name,
  color: COLORS[index] ?? '#000000',
  points: documents.map((each) => [each.tokens, medianMs(() => analyze(each))] as const),
}));
const file = join(import.meta.dirname, '../../docs/public/graphql-analysis.svg');
writeFileSync(
  file,
  chart([{ title: 'milliseconds for one document', lines }], {
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
