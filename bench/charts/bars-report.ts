import { type BarChartOptions, type Bars, barChart } from './bar-chart.ts';

/** Figures of a bar chart, as they are kept in `bench/measured`; null where something was not measured. */
export interface MeasuredBars extends BarChartOptions {
  readonly groups: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
  }[];
}

/** The bar charts of docs/benchmarks.md, whose tables have the same figures. */
export const BAR_CHARTS = [
  'servers',
  'tokens',
  'limits',
  'limits-on-redis',
  'permissions',
] as const;

export function drawBars({ groups, ...options }: MeasuredBars): string {
  const bars = groups.map(
    ({ name, values }): Bars => ({ name, values: values.map((value) => value ?? undefined) }),
  );
  return barChart(bars, options);
}
