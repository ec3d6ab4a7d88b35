import { writeFileSync } from 'node:fs';
import { chartFile, writeMeasured } from '../charts/measured.ts';
import { analyses, documentOf } from '../graphql/documents.ts';
import { type Analyses, drawAnalyses, NAME } from '../graphql/report.ts';

/** How the time of an analysis grows with its document, as a chart in the documentation. */
const sizes = [250, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000];
const ROUNDS = 40;

const documents = sizes.map(documentOf);
const cases = Object.entries(analyses).map(([name, analyze]) => ({
  name,
  analyze,
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
const figures: Analyses = {
  tokens: documents.map(({ tokens }) => tokens),
  milliseconds: Object.fromEntries(
    cases.map(({ name, best }) => [name, best.map((each) => Math.round(each * 1_000) / 1_000)]),
  ),
};
writeMeasured(NAME, figures);
writeFileSync(chartFile(NAME), drawAnalyses(figures));
for (const [name, best] of Object.entries(figures.milliseconds)) {
  console.log(name, best.map((ms, at) => `${figures.tokens[at]}: ${ms.toFixed(2)} ms`).join('  '));
}
console.log(`written to ${chartFile(NAME)}`);
