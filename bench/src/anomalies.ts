import { writeFileSync } from 'node:fs';
import { HELD_BACK, measure } from '../../packages/insights/test/simulation.ts';
import { DETECTIONS, type Detections, drawDetections } from '../charts/anomalies-report.ts';
import { chartFile, writeMeasured } from '../charts/measured.ts';

/** What is found of planted attacks, and how often honest callers are suspected, as a chart in the documentation. */
const THRESHOLDS = [0.5, 0.6, 0.8, 1, 1.2, 1.5, 2, 3];

let callerDays = 0;
const rows = THRESHOLDS.map((threshold) => {
  const measured = measure({ ...HELD_BACK, threshold });
  callerDays = measured.callerDays;
  const found = Math.round(measured.recall * 1_000) / 10;
  console.log(`${threshold}: ${found} % found, ${measured.falseAlarms} false alarms`);
  return { threshold, found, falseAlarms: measured.falseAlarms };
});
const figures: Detections = { callerDays, rows };
writeMeasured(DETECTIONS, figures);
writeFileSync(chartFile(DETECTIONS), drawDetections(figures));
