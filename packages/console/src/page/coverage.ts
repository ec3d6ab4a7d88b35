import type { CoverageAnswer, CoverageLine } from '../wire.ts';
import { bars } from './bars.ts';
import { button, type Child, count, field, fill, h, table, tableRow, time } from './dom.ts';
import { load } from './state.ts';

/** As many rows as there are at a time, however many operations there are. */
const PAGE = 40;
/** The rest of a page follows in the next frames. */
const ROWS_A_FRAME = 5;
const HEADS = [
  'Operation',
  'Authentication',
  'Grant',
  'Limit',
  'Input',
  'Output',
  'Other',
  'Calls',
  'Denied',
];

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
  const lines = h('div', { class: 'wide lines' });
  const more = h('div', {});
  // They stay where they are, so that whoever presses them by keyboard keeps the focus.
  const back = turner('Back', () => turn(-PAGE));
  const next = turner('Next', () => turn(PAGE));
  const pages = h('p', { class: 'buttons' }, back, next);
  let answer: CoverageAnswer | undefined;
  /** What is searched of each line. */
  let texts: readonly string[] = [];
  let first = 0;
  let drawn = 0;

  const show = (): void => {
    if (answer === undefined) return;
    const words = search.value.trim().toLowerCase();
    const keep = FILTERS[only.value] ?? (() => true);
    const matching = answer.lines.filter(
      (line, at) => keep(line) && (texts[at] ?? '').includes(words),
    );
    const rows = matching.slice(first, first + PAGE);
    back.setAttribute('aria-disabled', String(first === 0));
    next.setAttribute('aria-disabled', String(first + PAGE >= matching.length));
    pages.hidden = rows.length === matching.length;
    const [from, to] = [Math.min(first + 1, matching.length), first + rows.length];
    fill(
      told,
      `${count(from)} to ${count(to)} of ${count(matching.length)} operations, calls since `,
      time(answer.since),
      '.',
    );
    drawn++;
    const drawing = drawn;
    const built = table(
      'Operations and what guards them',
      HEADS,
      rows.slice(0, ROWS_A_FRAME).map(cellsOf),
      'No operation is like that. Give consoleRoutes the option coverage, if there is none at all.',
    );
    fill(lines, built);
    const body = built.querySelector('tbody');
    const goOn = (from: number): void => {
      if (from >= rows.length) return;
      requestAnimationFrame(() => {
        // Something else is shown by now.
        if (drawing !== drawn) return;
        const part = rows.slice(from, from + ROWS_A_FRAME);
        body?.append(...part.map((line) => tableRow(HEADS, cellsOf(line))));
        goOn(from + ROWS_A_FRAME);
      });
    };
    goOn(ROWS_A_FRAME);
  };
  const showCounts = (): void => {
    if (answer === undefined) return;
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
      texts = answer.lines.map((line) => `${line.table} ${line.operation}`.toLowerCase());
      first = Math.min(first, Math.floor(Math.max(0, texts.length - 1) / PAGE) * PAGE);
      show();
      showCounts();
    } catch (cause) {
      told.textContent = String(cause);
    }
  };
  const turn = (by: number): void => {
    first += by;
    show();
  };
  const narrow = (): void => {
    first = 0;
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
    pages,
    more,
  );
  // What guards an operation changes with a deployment, not with a call.
  return { root, update: () => undefined };
}

/** A button that does nothing where there is nowhere to turn to. */
function turner(label: string, act: () => void): HTMLButtonElement {
  const element = h('button', { type: 'button' }, label);
  element.addEventListener('click', () => {
    if (element.getAttribute('aria-disabled') !== 'true') act();
  });
  return element;
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
