import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { chartFile, readMeasured } from '../charts/measured.ts';
import { type Analyses, drawAnalyses, NAME } from '../graphql/report.ts';

// Written by that command, as this type says.
const figures = readMeasured(NAME) as Analyses;

test('the chart of GraphQL analyses is what was measured: npm run bench -- graphql-size', () => {
  expect(readFileSync(chartFile(NAME), 'utf8')).toBe(drawAnalyses(figures));
});

test('twice the tokens take at most three times as long, up to the most that is read', () => {
  const { tokens, milliseconds } = figures;
  for (const [at, count] of tokens.entries()) {
    const twice = tokens.findIndex((each) => each >= 2 * count);
    const ours = milliseconds['here'] ?? [];
    const growth = ((ours[twice] ?? 0) / (ours[at] ?? 0)) * ((2 * count) / (tokens[twice] ?? 1));
    if (twice > 0) expect({ count, growth: growth < 3 }).toEqual({ count, growth: true });
  }
});
