import type { GrowthRow } from './measure-growth.ts';
import { USUAL } from './plan.ts';
import type { Row } from './summary.ts';

const HEAD = [
  'variant',
  'CPU µs',
  'added',
  'ratio',
  'GC µs',
  'young p50',
  'p99 ms',
  'calls/s',
  'MB',
];

/** Rows of one host as text. */
export function hostTable(rows: readonly Row[]): string {
  const host = rows[0]?.host;
  if (host === undefined) return '';
  const lines = rows.map((row) => [
    row.failed > 0 ? `${row.variant} (${row.failed} calls failed)` : row.variant,
    row.cpuMicros.toFixed(1),
    signed(row.addedMicros),
    row.ratio.toFixed(2),
    row.gcMicros.toFixed(2),
    row.youngP50Ms.toFixed(2),
    row.youngP99Ms.toFixed(2),
    row.perSecond.toFixed(0),
    row.rssMb.toFixed(0),
  ]);
  return `${host} (usual: ${USUAL[host]})\n${columns([HEAD, ...lines])}`;
}

/** Growth as text: each group should stay level. */
export function growthTable(rows: readonly GrowthRow[]): string {
  const first = (group: string) => rows.find((row) => row.group === group)?.cpuMicros ?? Number.NaN;
  return `growth of one decision\n${columns([
    ['of', 'number', 'CPU µs', 'ratio'],
    ...rows.map(({ group, size, cpuMicros }) => [
      group,
      String(size),
      cpuMicros.toFixed(3),
      (cpuMicros / first(group)).toFixed(2),
    ]),
  ])}`;
}

const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`;

/** The first column to the left, numbers to the right. */
function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...lines.map((line) => line[at]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}
