import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DETECTIONS, type Detections, drawDetections } from '../charts/anomalies-report.ts';
import { BAR_CHARTS, drawBars, type MeasuredBars } from '../charts/bars-report.ts';
import { chartFile, readMeasured } from '../charts/measured.ts';
import { type Analyses, drawAnalyses, NAME } from '../graphql/report.ts';

// Written by that command, as this type says.
const figures = readMeasured(NAME) as Analyses;

test('the chart of GraphQL analyses is what was measured: npm run bench -- graphql-size', () => {
  expect(readFileSync(chartFile(NAME), 'utf8')).toBe(drawAnalyses(figures));
});

describe('the chart of anomalies', () => {
  const detections = readMeasured(DETECTIONS) as Detections;

  test('is what was measured: npm run bench -- anomalies', () => {
    expect(readFileSync(chartFile(DETECTIONS), 'utf8')).toBe(drawDetections(detections));
  });

  test('shows that the default finds nine in ten, with at most one false alarm', () => {
    const { found = 0, falseAlarms } =
      detections.rows.find(({ threshold }) => threshold === 1) ?? {};
    expect([found >= 90, falseAlarms]).toEqual([true, 0]);
    const page = readFileSync(join(import.meta.dirname, '../../docs/guides/metrics.md'), 'utf8');
    expect(page).toContain('](/anomalies.svg)');
  });
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

describe.each(BAR_CHARTS)('the bar chart %s', (name) => {
  // Written by hand, in that shape.
  const measured = readMeasured(name) as MeasuredBars;

  test('is what was measured: node --import tsx bench/charts/draw.ts', () => {
    expect(readFileSync(chartFile(name), 'utf8')).toBe(drawBars(measured));
  });

  test('shows figures of the tables around it, and stands in the page', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/benchmarks.md'), 'utf8');
    expect(page).toContain(`](/${name}.svg)`);
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    for (const value of measured.groups.flatMap(({ values }) => values)) {
      if (value === null) continue;
      const written = new RegExp(`(?<![\\d.])${value}(?![\\d.]*\\d)`);
      expect({ value, isShown: rows.some((row) => written.test(row)) }).toEqual({
        value,
        isShown: true,
      });
    }
  });
});
