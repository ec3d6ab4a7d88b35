import { cpus } from 'node:os';

/** Times of contenders who took turns, in nanoseconds for each call. */
export interface Timing {
  readonly best: number;
  readonly median: number;
}

/** One table of a benchmark. */
export interface Measurement {
  readonly title: string;
  /** What the numbers are: `µs`, `bytes`. */
  readonly unit: string;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly name: string;
  /** The median of all rounds, or the one figure that there is. */
  readonly value: number;
  /** The best round, where there are several. */
  readonly best?: number | undefined;
}

/** What one file of `bench/src` measured, and where. */
export interface Run {
  readonly name: string;
  readonly measuredAt: string;
  readonly node: string;
  readonly processor: string;
  readonly tables: readonly Measurement[];
}

const tables: Measurement[] = [];

/** Keeps a table of this process for its report. */
export function record(title: string, unit: string, rows: readonly Row[]): void {
  tables.push({ title, unit, rows: rows.map((row) => rounded(row)) });
}

/** Keeps the times of contenders, in microseconds. */
export function recordTimes(title: string, times: ReadonlyMap<string, Timing>): void {
  const rows = [...times].map(([name, { median, best }]) => ({
    name,
    value: median / 1_000,
    best: best / 1_000,
  }));
  record(title, 'µs', rows);
}

/** What was kept since this process began; undefined where that is nothing. */
export function runOf(name: string): Run | undefined {
  if (tables.length === 0) return undefined;
  const [first] = cpus();
  return {
    name,
    measuredAt: new Date().toISOString(),
    node: process.versions.node,
    processor: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    tables,
  };
}

const rounded = ({ name, value, best }: Row): Row => ({
  name,
  value: threeDigits(value),
  ...(best !== undefined && { best: threeDigits(best) }),
});

/** More digits than a run can be sure of would only make each differ from the last. */
const threeDigits = (value: number): number => Number(value.toPrecision(3));
