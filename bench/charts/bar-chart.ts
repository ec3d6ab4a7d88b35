import { svgText } from './svg-text.ts';

/** Bars side by side for one thing that is measured: a server, an operation. */
export interface Bars {
  readonly name: string;
  /** One for each of the series, in their order; undefined where that was not measured. */
  readonly values: readonly (number | undefined)[];
}

export interface BarChartOptions {
  readonly title: string;
  /** What the numbers are: `µs of CPU for a call`. */
  readonly unit: string;
  readonly series: readonly string[];
  /** Room for the names at the left, in pixels. Default: 180. */
  readonly nameWidth?: number | undefined;
}

const WIDTH = 760;
const NAME_WIDTH = 180;
const RIGHT = 70;
const HEAD = 76;
const BAR = 14;
const GAP = 14;
const COLORS = ['#0b6e4f', '#c1121f', '#6c757d', '#b08900'];

/** Horizontal bars from zero, each group to the scale of the chart; a light background of its own. */
export function barChart(
  groups: readonly Bars[],
  { title, unit, series, nameWidth = NAME_WIDTH }: BarChartOptions,
): string {
  const left = nameWidth + 10;
  const largest = Math.max(...groups.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const heights = groups.map(({ values }) => BAR * values.filter(isNumber).length + GAP);
  const height = HEAD + heights.reduce((sum, each) => sum + each, 0) + 8;
  let y = HEAD;
  const drawn = groups.map(({ name, values }, at) => {
    const top = y;
    y += heights[at] ?? 0;
    return group(name, values, { top, left, largest });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${svgText(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="bold" fill="#111111">${svgText(title)}</text>`,
    `<text x="16" y="46" fill="#444444">${svgText(unit)}, less is better</text>`,
    ...series.map((name, at) => {
      const x = left + at * 140;
      return `<rect x="${x}" y="54" width="12" height="12" fill="${colorOf(at)}"/><text x="${x + 18}" y="64" fill="#111111">${svgText(name)}</text>`;
    }),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function group(
  name: string,
  values: readonly (number | undefined)[],
  { top, left, largest }: { readonly top: number; readonly left: number; readonly largest: number },
): string {
  const shown = [...values.entries()].filter((entry): entry is [number, number] =>
    isNumber(entry[1]),
  );
  const middle = top + (BAR * shown.length) / 2 + 4;
  const bars = shown.map(([series, value], at) => {
    const width = Math.max(1, Math.round((value / largest) * (WIDTH - left - RIGHT)));
    const y = top + at * BAR;
    return (
      `<rect x="${left}" y="${y}" width="${width}" height="${BAR - 2}" fill="${colorOf(series)}"/>` +
      `<text x="${left + width + 5}" y="${y + 10}" font-size="11" fill="#444444">${value}</text>`
    );
  });
  const label = `<text x="${left - 10}" y="${middle}" text-anchor="end" fill="#111111">${svgText(name)}</text>`;
  return [label, ...bars].join('\n');
}

const isNumber = (value: number | undefined): value is number => value !== undefined;
const colorOf = (series: number): string => COLORS[series] ?? '#000000';
