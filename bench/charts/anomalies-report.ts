import { type Line, lineChart } from './line-chart.ts';

/** What the detection of anomalies found in simulated traffic, by its threshold. */
export interface Detections {
  /** Days of honest callers that were judged. */
  readonly callerDays: number;
  readonly rows: readonly {
    readonly threshold: number;
    /** Of all planted attacks, in percent. */
    readonly found: number;
    /** Honest callers taken for others, once for each of their days. */
    readonly falseAlarms: number;
  }[];
}

export const DETECTIONS = 'anomalies';

/** The attacks that are found, and the honest callers who are suspected, over the threshold. */
export function drawDetections({ callerDays, rows }: Detections): string {
  const found: Line = {
    name: 'attacks found, in percent',
    color: '#0b6e4f',
    points: rows.map((row) => [row.threshold, row.found] as const),
  };
  const alarms: Line = {
    name: `false alarms in ${callerDays.toLocaleString('en')} days of honest callers`,
    color: '#c1121f',
    dash: '6 3',
    points: rows.map((row) => [row.threshold, row.falseAlarms] as const),
  };
  return lineChart(
    [{ title: 'six kinds of attack, two of them held back', lines: [found, alarms] }],
    {
      title: 'What anomalies() finds, by its threshold (default: 1)',
      x: 'threshold',
      y: 'percent, or alarms',
      maxX: 4,
      shades: [],
    },
  );
}
