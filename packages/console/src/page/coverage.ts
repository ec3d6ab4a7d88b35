import type { CoverageAnswer, CoverageLine } from '../wire.ts';
import { bars } from './bars.ts';
import { button, type Child, count, field, fill, h, table, time } from './dom.ts';
import { load } from './state.ts';

const PAGE = 200;

const FILTERS: Readonly<Record<string, (line: CoverageLine) => boolean>> = {
  all: () => true,
  'open to everyone': ({ open }) => open,
  'without a limit': ({ limit }) => limit.length === 0,
  'without input check': ({ input }) => input.length === 0,
  'never called': ({ calls }) => calls === 0,
  'with a policy on trial': ({ shadow }) => shadow.length > 0,
};

/** Every operation with what guards it: what is open, what is never called, what is called and not listed. */
export function coverageView(): { readonly root: HTMLElement; readonly update: () => void } {
  const search = h('input', { type: 'search' });
  const only = h('select', {}, ...Object.keys(FILTERS).map((name) => h('option', {}, name)));
  const told = h('p', { class: 'told', role: 'status' }, 'Loading …');
  const lines = h('div', { class: 'wide' });
  const more = h('div', {});
  let answer: CoverageAnswer | undefined;
  let shown = PAGE;

  const show = (): void => {
    if (answer === undefined) return;
    const words = search.value.trim().toLowerCase();
    const keep = FILTERS[only.value] ?? (() => true);
    const matching = answer.lines.filter(
      (line) => keep(line) && `${line.table} ${line.operation}`.toLowerCase().includes(words),
    );
    const rows = matching.slice(0, shown);
    fill(
      told,
      `${count(rows.length)} of ${count(matching.length)} operations, calls since `,
      time(answer.since),
      '.',
    );
    fill(
      lines,
      table(
        'Operations and what guards them',
        [
          'Operation',
          'Authentication',
          'Grant',
          'Limit',
          'Input',
          'Output',
          'Other',
          'Calls',
          'Denied',
        ],
        rows.map(cellsOf),
        'No operation is like that. Give consoleRoutes the option coverage, if there is none at all.',
      ),
      rows.length < matching.length &&
        button('Show more', () => {
          shown += PAGE;
          show();
        }),
    );
    fill(
      more,
      h(
        'div',
        { class: 'columns' },
        h(
          'section',
          { class: 'panel' },
          h('h2', {}, 'Called, and in no table (denied)'),
          bars('Unlisted operations', answer.unlisted, 'Nothing unlisted was called.'),
        ),
        h(
          'section',
          { class: 'panel' },
          h('h2', {}, 'API versions in use, last day'),
          bars('Versions', answer.versions, 'No call named a version.'),
        ),
      ),
    );
  };
  const refresh = async (): Promise<void> => {
    try {
      answer = await load<CoverageAnswer>('coverage');
      show();
    } catch (cause) {
      told.textContent = String(cause);
    }
  };
  const narrow = (): void => {
    shown = PAGE;
    show();
  };
  search.addEventListener('input', narrow);
  only.addEventListener('change', narrow);
  void refresh();
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Coverage'),
    h(
      'div',
      { class: 'filters', role: 'search' },
      field('Operation', search),
      field('Show', only),
      button('Refresh', refresh),
    ),
    told,
    lines,
    more,
  );
  // What guards an operation changes with a deployment, not with a call.
  return { root, update: () => undefined };
}

function cellsOf(line: CoverageLine): readonly Child[] {
  const { operation, authentication, grant, limit, input, output, other } = line;
  const { open, calls, denied } = line;
  return [
    h(
      'span',
      {},
      h('code', {}, operation),
      ' ',
      h('small', {}, line.table),
      line.shadow.length > 0 &&
        h('small', { class: 'key act' }, `on trial: ${line.shadow.join(', ')}`),
    ),
    list(authentication),
    open
      ? h('strong', { class: 'bad' }, `open: ${grant.join(', ') || 'no grant known'}`)
      : list(grant),
    list(limit),
    list(input),
    list(output),
    list(other),
    calls === 0 ? h('small', {}, 'never') : count(calls),
    denied === 0 ? '0' : h('span', { class: 'bad' }, count(denied)),
  ];
}

function list(names: readonly string[]): Child {
  return names.join(', ') || '–';
}
