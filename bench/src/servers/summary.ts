import { type HostName, PLAN } from './plan.ts';
import type { Round } from './round.ts';

/** One line of the table: medians over the rounds of one variant. */
export interface Row {
  readonly host: HostName;
  readonly variant: string;
  readonly cpuMicros: number;
  /** What it costs above the first variant of its host. */
  readonly addedMicros: number;
  readonly ratio: number;
  readonly gcMicros: number;
  readonly youngP50Ms: number;
  readonly youngP99Ms: number;
  /** Calls in a second. The load generator has its part in it. */
  readonly perSecond: number;
  readonly rssMb: number;
  /** CPU time per call of each round, in the order in which they were made. */
  readonly rounds: readonly number[];
  readonly failed: number;
}

/** The rounds of one host by variant, as rows. */
export function summarize(
  host: HostName,
  rounds: ReadonlyMap<string, readonly Round[]>,
): readonly Row[] {
  const cpuOf = (variant: string) => (rounds.get(variant) ?? []).map(cpuPerCall);
  const bare = median(cpuOf(PLAN[host][0]));
  return PLAN[host].map((variant) => {
    const each = rounds.get(variant) ?? [];
    const cpu = cpuOf(variant);
    const young = each.flatMap(({ gc }) => gc.youngMs);
    return {
      host,
      variant,
      cpuMicros: median(cpu),
      addedMicros: median(cpu) - bare,
      ratio: median(cpu) / bare,
      gcMicros: median(each.map(({ gc, answers }) => (gc.totalMs * 1000) / answers)),
      youngP50Ms: median(young),
      youngP99Ms: quantile(young, 0.99),
      perSecond: median(each.map(({ answers, elapsedMicros }) => (answers * 1e6) / elapsedMicros)),
      rssMb: median(each.map(({ rssBytes }) => rssBytes / 2 ** 20)),
      rounds: cpu,
      failed: each.reduce((sum, { load }) => sum + load.failed, 0),
    };
  });
}

const cpuPerCall = ({ cpuMicros, answers }: Round): number => cpuMicros / answers;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
