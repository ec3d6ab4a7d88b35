import { svgText } from './svg-text.ts';

/** A line of a chart: values over time. */
export interface Line {
  readonly name: string;
  readonly color: string;
  readonly dash?: string | undefined;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface LineChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly maxX: number;
  readonly shades: readonly { readonly from: number; readonly to: number; readonly name: string }[];
}

const WIDTH = 440;
const HEIGHT = 300;
const LEFT = 56;
const TOP = 34;
const RIGHT = 14;
const BOTTOM = 44;
const HEAD = 76;
const COLUMNS = 2;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

/** Panels side by side with the same axes; a light background of its own, so that it is readable on any page. */
export function lineChart(panels: readonly Panel[], options: LineChartOptions): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [WIDTH * COLUMNS, HEAD + HEIGHT * rows];
  const highest = panels.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => points.map(([, y]) => y)),
  );
  const step = niceStep(highest.reduce((most, y) => Math.max(most, y), 0) / 5);
  const maxY = step * Math.ceil(highest.reduce((most, y) => Math.max(most, y), 0) / step);
  const frame = { ...options, step, maxY };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${svgText(options.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="bold" fill="#111111">${svgText(options.title)}</text>`,
    ...legend(panels[0]?.lines ?? []),
    ...panels.map((panel, index) => {
      const [x, y] = [(index % COLUMNS) * WIDTH, HEAD + Math.floor(index / COLUMNS) * HEIGHT];
      return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, frame)}\n</g>`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

function legend(lines: readonly Line[]): string[] {
  let x = 16;
  return lines.map((line) => {
    const at = x;
    x += 44 + line.name.length * 6.6;
    return `<g transform="translate(${round(at)} 52)">${stroke(line, 'M0 -4H26')}<text x="31" fill="#111111">${svgText(line.name)}</text></g>`;
  });
}

function drawPanel(
  { title, lines }: Panel,
  {
    x,
    y,
    maxX,
    maxY,
    step,
    shades,
  }: LineChartOptions & { readonly maxY: number; readonly step: number },
): string {
  const toX = (value: number): number => LEFT + (value / maxX) * INNER_WIDTH;
  const toY = (value: number): number => TOP + INNER_HEIGHT * (1 - value / maxY);
  const bottom = TOP + INNER_HEIGHT;
  const grid: string[] = [];
  for (let value = 0; value <= maxY; value += step) {
    const at = round(toY(value));
    grid.push(
      `<path d="M${LEFT} ${at}H${LEFT + INNER_WIDTH}" stroke="#dddddd"/>`,
      `<text x="${LEFT - 6}" y="${round(at + 4)}" text-anchor="end" fill="#444444">${value}</text>`,
    );
  }
  for (let value = 0; value <= maxX; value += maxX / 8) {
    grid.push(
      `<text x="${round(toX(value))}" y="${bottom + 16}" text-anchor="middle" fill="#444444">${value}</text>`,
    );
  }
  return [
    ...shades.map(({ from, to, name }) => {
      const [start, end] = [round(toX(from)), round(toX(to))];
      const middle = round((start + end) / 2);
      return `<rect x="${start}" y="${TOP}" width="${round(end - start)}" height="${INNER_HEIGHT}" fill="#eeeeee"/><text x="${middle}" y="${TOP + 12}" text-anchor="middle" font-size="10" fill="#555555">${svgText(name)}</text>`;
    }),
    ...grid,
    `<text x="${LEFT}" y="22" font-size="13" font-weight="bold" fill="#111111">${svgText(title)}</text>`,
    `<text x="${LEFT + INNER_WIDTH / 2}" y="${bottom + 34}" text-anchor="middle" fill="#444444">${svgText(x)}</text>`,
    `<text transform="translate(14 ${TOP + INNER_HEIGHT / 2}) rotate(-90)" text-anchor="middle" fill="#444444">${svgText(y)}</text>`,
    ...lines.map((line) => {
      const path = line.points.map(([px, py]) => `${round(toX(px))} ${round(toY(py))}`).join('L');
      return stroke(line, `M${path}`);
    }),
  ].join('\n');
}

function stroke({ color, dash }: Line, path: string): string {
  const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>`;
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(least: number): number {
  let power = 1;
  while (power * 10 <= least) power *= 10;
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least) ?? power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
