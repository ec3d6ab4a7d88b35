import type { CoverageAnswer, CoverageLine, CoverageShow } from '../wire.ts';
import { bars } from './bars.ts';
import { button, type Child, count, field, fill, h, table, tableRow, time } from './dom.ts';
import { load } from './state.ts';
import { callerTable, versionTable } from './versions.ts';

/** The server answers a page of lines, however many operations there are. Its rows are drawn over some frames. */
const ROWS_A_FRAME = 3;
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

const SHOWN: Readonly<Record<CoverageShow, string>> = {
  all: 'all',
  open: 'open to everyone',
  unlimited: 'without a limit',
  unchecked: 'without input check',
  uncalled: 'never called',
  trial: 'with a policy on trial',
};

/** Every operation with what guards it: what is open, what is never called, what is called and not listed. */
export function coverageView(): { readonly root: HTMLElement; readonly update: () => void } {
  const search = h('input', { type: 'search' });
  const only = h(
    'select',
    {},
    ...Object.entries(SHOWN).map(([value, name]) => h('option', { value }, name)),
  );
  const told = h('p', { class: 'told', role: 'status' }, 'Loading …');
  const lines = h('div', { class: 'wide lines' });
  const more = h('div', {});
  // The buttons stay in place, so that a keyboard user keeps the focus.
  const back = turner('Back', () => ask(Math.max(0, first - 1)));
  const next = turner('Next', () => ask(first + drawnLines));
  const pages = h('p', { class: 'buttons' }, back, next);
  /** Where the page that is shown begins, and how many lines it has. */
  let first = 0;
  let drawnLines = 0;
  let drawn = 0;
  /** Only the last of several questions is answered. */
  let asked = 0;

  const show = ({ lines: rows, from, total, since }: CoverageAnswer): void => {
    first = from;
    drawnLines = rows.length;
    const to = from + rows.length;
    back.setAttribute('aria-disabled', String(from === 0));
    next.setAttribute('aria-disabled', String(to >= total));
    pages.hidden = rows.length === total;
    fill(
      told,
      `${count(Math.min(from + 1, total))} to ${count(to)} of ${count(total)} operations, calls since `,
      time(since),
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
    const goOn = (at: number): void => {
      if (at >= rows.length) return;
      requestAnimationFrame(() => {
        // Something else is shown by now.
        if (drawing !== drawn) return;
        const part = rows.slice(at, at + ROWS_A_FRAME);
        body?.append(...part.map((line) => tableRow(HEADS, cellsOf(line))));
        goOn(at + ROWS_A_FRAME);
      });
    };
    goOn(ROWS_A_FRAME);
  };
  const showCounts = ({ unlisted, versions, versionCallers }: CoverageAnswer): void => {
    fill(
      more,
      h(
        'div',
        { class: 'columns' },
        h(
          'section',
          { class: 'panel' },
          h('h2', {}, 'Called, and in no table (denied)'),
          bars('Unlisted operations', unlisted, 'Nothing unlisted was called.'),
        ),
        h(
          'section',
          { class: 'panel' },
          h('h2', {}, 'API versions, last day'),
          versionTable(versions),
        ),
        h(
          'section',
          { class: 'panel' },
          h('h2', {}, 'Who calls which version, last day'),
          callerTable(versionCallers),
        ),
      ),
    );
  };
  const ask = async (from: number): Promise<void> => {
    asked++;
    const mine = asked;
    const query = new URLSearchParams({
      from: String(from),
      find: search.value,
      show: only.value,
    });
    try {
      const answer = await load<CoverageAnswer>(`coverage?${query}`);
      if (mine !== asked) return;
      show(answer);
      showCounts(answer);
    } catch (cause) {
      if (mine === asked) told.textContent = String(cause);
    }
  };
  const narrow = (): void => void ask(0);
  search.addEventListener('input', narrow);
  only.addEventListener('change', narrow);
  narrow();
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Coverage'),
    h(
      'div',
      { class: 'filters', role: 'search' },
      field('Operation', search),
      field('Show', only),
      button('Refresh', () => ask(first)),
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
function turner(label: string, act: () => unknown): HTMLButtonElement {
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
