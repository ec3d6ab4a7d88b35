import type { Limit } from '@apisec/core';
import { type Line, lineChart, type Panel } from '../charts/line-chart.ts';
import { allowed, bound, excess } from './bounds.ts';
import { MODES, type Mode, type Outcome, simulate } from './simulate.ts';
import { DURATION, isWithin, KEYS, LIMITS, load, REDIS_OUTAGES } from './world.ts';

/** One limit in one mode. */
export interface Result {
  readonly algorithm: string;
  readonly limit: Limit;
  readonly mode: Mode;
  readonly outcome: Outcome;
  /** Of each key: units above the formula in its worst interval, and what the mode may reach. */
  readonly keys: readonly { readonly excess: number; readonly bound: number }[];
}

/** What sums of fractions may be wrong by. */
export const ROUNDING = 1e-6;
const BEGIN = '<!-- written by npm run bench scale: from here -->';
const END = '<!-- to here -->';

/** Every limit in every mode, under the same load. */
export function results(): readonly Result[] {
  const calls = load();
  const unchecked = Array.from({ length: KEYS }, () => 0);
  for (const { at, key } of calls) {
    if (REDIS_OUTAGES.some((outage) => isWithin(outage, at)))
      unchecked[key] = (unchecked[key] ?? 0) + 1;
  }
  return Object.entries(LIMITS).flatMap(([algorithm, limit]) =>
    MODES.map((mode) => {
      const outcome = simulate(limit, mode, calls, KEYS);
      const keys = outcome.admitted.map((times, key) => ({
        excess: excess(limit, times),
        bound: bound(limit, mode, unchecked[key] ?? 0),
      }));
      return { algorithm, limit, mode, outcome, keys };
    }),
  );
}

/** Okabe and Ito's colours, told apart by everybody; dashes for those who see none. */
const STYLES: Readonly<Record<Mode, readonly [name: string, color: string, dash?: string]>> = {
  healthy: ['no failures', '#000000', '1 3'],
  closed: ['closed', '#0072b2'],
  open: ['open', '#d55e00', '8 3'],
  degrade: ['degrade', '#009e73', '3 3'],
  leased: ['leased, closed', '#cc79a7', '10 3 2 3'],
};

const DRAWN = ['tokenBucket', 'gcra', 'slidingWindow', 'fixedWindow'] as const;

/** What the hottest key was admitted in total, second by second. */
export function drawChart(all: readonly Result[]): string {
  const panels = DRAWN.map((algorithm): Panel => {
    const limit = LIMITS[algorithm] as Limit;
    const formula: Line = {
      name: 'allowed',
      color: '#999999',
      points: seconds().map((second) => [second, allowedUntil(limit, second * 1_000)]),
    };
    const lines = all
      .filter((result) => result.algorithm === algorithm)
      .map(({ mode, outcome }): Line => {
        const [name, color, dash] = STYLES[mode];
        const times = outcome.admitted[0] ?? [];
        const points = seconds().map(
          (second) => [second, times.filter((time) => time < second * 1_000).length] as const,
        );
        return { name, color, dash, points };
      });
    return { title: algorithm, lines: [formula, ...lines] };
  });
  const [first, second] = REDIS_OUTAGES.map(({ from, to }) => ({
    from: from / 1_000,
    to: to / 1_000,
  }));
  if (first === undefined || second === undefined) throw new Error('two outages are drawn');
  return lineChart(panels, {
    title: 'The hottest key: calls admitted in total',
    x: 'seconds',
    y: 'calls',
    maxX: DURATION / 1_000,
    shades: [
      { ...first, name: 'paused' },
      { ...second, name: 'killed' },
    ],
  });
}

/** Numbers of every limit and mode, in Markdown. */
export function table(all: readonly Result[]): string {
  const rows = all.map(({ algorithm, limit, mode, outcome, keys }) => {
    const worst = keys.reduce((one, other) => (other.excess > one.excess ? other : one));
    const admitted = outcome.admitted[0]?.length ?? 0;
    const cells = [
      algorithm,
      mode,
      admitted,
      Math.floor(allowed(limit)),
      Math.max(0, Math.ceil(worst.excess - ROUNDING)),
      Math.ceil(worst.bound),
      outcome.questions[0] ?? 0,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| limit | mode | admitted | allowed | above, at worst | bound | questions to Redis |',
    '|---|---|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

/** The page with this table in the place of the one that is there. */
export function fillIn(page: string, numbers: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the page has no place for the table');
  return `${page.slice(0, begin)}${BEGIN}\n\n${numbers}\n\n${page.slice(end)}`;
}

function seconds(): readonly number[] {
  return Array.from({ length: DURATION / 1_000 + 1 }, (_, second) => second);
}

function allowedUntil(limit: Limit, time: number): number {
  return limit.algorithm === 'bucket'
    ? limit.capacity + (time * limit.refill) / limit.period
    : limit.capacity * Math.floor(time / limit.window + 1);
}
