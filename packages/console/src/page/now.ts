import { bars } from './bars.ts';
import { count, h, renew, svg, table } from './dom.ts';
import { state } from './state.ts';

const SHOWN_SECONDS = 120;
const HEIGHT = 120;
const OUTCOMES = ['succeeded', 'denied', 'failed', 'aborted'] as const;

/** Decisions a second by outcome, the codes that are most frequent, and what is not well. */
export function nowView(): { readonly root: HTMLElement; readonly update: () => void } {
  const tiles = h('dl', { class: 'tiles' });
  const chart = h('figure', {});
  const codes = h('div', {});
  const health = h('div', {});
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Now'),
    tiles,
    chart,
    h(
      'div',
      { class: 'columns' },
      panel('Denials by code, last minutes', codes),
      panel('Health', health),
    ),
  );
  const update = (): void => {
    const { latest } = state;
    if (latest === undefined) return;
    const end = Math.floor(latest.now / 1_000);
    // The second that runs is not over: it would always look like a fall.
    const columns = Array.from({ length: SHOWN_SECONDS }, (_, at) => {
      const [, ...counts] = state.seconds.get(end - SHOWN_SECONDS + at) ?? [0, 0, 0, 0, 0];
      return counts;
    });
    const sums = OUTCOMES.map((_, at) => columns.reduce((sum, each) => sum + (each[at] ?? 0), 0));
    const recent = columns.slice(-10).flat();
    const perSecond = recent.reduce((sum, each) => sum + each, 0) / 10;
    tiles.replaceChildren(
      ...tile(
        'Decisions a second',
        perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond)),
      ),
      ...OUTCOMES.flatMap((name, at) => tile(`${name}, 2 min`, count(sums[at] ?? 0), name)),
    );
    chart.replaceChildren(
      draw(columns, sums),
      h(
        'figcaption',
        {},
        'The last two minutes. ',
        ...OUTCOMES.flatMap((name) => [h('span', { class: `key ${name}` }, name), ' ']),
      ),
    );
    renew(codes, bars('Codes', latest.codes, 'Nothing was denied.'));
    const ill = latest.sinks.filter(({ healthy, lost }) => !healthy || lost > 0);
    renew(
      health,
      latest.degraded.length > 0 && h('h3', {}, 'Unavailable or degraded, last minutes'),
      ill.length === 0 && latest.degraded.length === 0
        ? h('p', { class: 'good' }, '✓ No store or sink is degraded.')
        : bars('Degraded', latest.degraded, 'No decision is degraded.'),
      h('h3', {}, 'Sinks of the audit trail'),
      table(
        'Sinks of the audit trail',
        ['Sink', 'State', 'Waiting', 'Lost'],
        latest.sinks.map(({ name, healthy, queued, lost }) => [
          name,
          healthy ? 'ok' : h('strong', { class: 'bad' }, 'failing'),
          count(queued),
          lost > 0 ? h('strong', { class: 'bad' }, count(lost)) : '0',
        ]),
        'There are no sinks.',
      ),
      latest.shadow.length > 0 && h('h3', {}, 'Policies on trial would have denied, last day'),
      latest.shadow.length > 0 && bars('Shadow', latest.shadow, ''),
    );
  };
  return { root, update };
}

function panel(title: string, content: HTMLElement): HTMLElement {
  return h('section', { class: 'panel' }, h('h2', {}, title), content);
}

function tile(name: string, value: string, kind = ''): readonly HTMLElement[] {
  return [h('div', { class: `tile ${kind}` }, h('dt', {}, name), h('dd', {}, value))];
}

/** Four paths, whatever there is to draw. */
function draw(columns: readonly (readonly number[])[], sums: readonly number[]): SVGElement {
  const highest = Math.max(1, ...columns.map((each) => each.reduce((sum, one) => sum + one, 0)));
  const y = (value: number): string => (HEIGHT - (value / highest) * HEIGHT).toFixed(1);
  const paths = OUTCOMES.map((name, outcome) => {
    const below = (each: readonly number[]): number =>
      each.slice(0, outcome).reduce((sum, one) => sum + one, 0);
    const d = columns.map((each, at) => {
      const [from, own] = [below(each), each[outcome] ?? 0];
      return own === 0 ? '' : `M${at} ${y(from)}V${y(from + own)}h.85V${y(from)}z`;
    });
    return svg('path', { class: name, d: d.join('') });
  });
  const told = OUTCOMES.map((name, at) => `${sums[at]} ${name}`).join(', ');
  return svg(
    'svg',
    {
      class: 'chart',
      viewBox: `0 0 ${SHOWN_SECONDS} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label':
        `Decisions in each of the last ${SHOWN_SECONDS} seconds: ${told}; ` +
        `at most ${highest} in one second.`,
    },
    ...paths,
  );
}
