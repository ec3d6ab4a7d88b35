import type { GrowthRow } from '../src/servers/measure-growth.ts';
import { type Line, lineChart } from './line-chart.ts';

/** What `npm run bench -- servers growth` measured. */
export interface Growths {
  readonly growth: readonly GrowthRow[];
}

export const GROWTHS = 'growth';
const COLORS = ['#0b6e4f', '#2a9d8f', '#c1121f', '#6c757d', '#7b2cbf', '#b08900'];

/** The cost of one decision over how much there is of something, by powers of ten. */
export function drawGrowths({ growth }: Growths): string {
  const groups = [...new Set(growth.map(({ group }) => group))];
  const lines = groups.map(
    (group, index): Line => ({
      name: group,
      color: COLORS[index] ?? '#000000',
      points: growth
        .filter((row) => row.group === group)
        .map(({ size, cpuMicros }) => [Math.log10(size), cpuMicros] as const),
    }),
  );
  return lineChart([{ title: 'microseconds of CPU for one decision', lines }], {
    title: 'One decision, by how much there is',
    x: 'how many, as a power of ten',
    y: 'µs',
    maxX: 8,
    shades: [],
  });
}
