import { writeFileSync } from 'node:fs';
import { BAR_CHARTS, drawBars, type MeasuredBars } from './bars-report.ts';
import { chartFile, readMeasured } from './measured.ts';

// Draws the bar charts again after their figures were changed: node --import tsx bench/charts/draw.ts
for (const name of BAR_CHARTS) {
  // Written by hand from what benchmarks print, in that shape.
  writeFileSync(chartFile(name), drawBars(readMeasured(name) as MeasuredBars));
}
