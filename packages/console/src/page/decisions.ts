import type { AuditEvent } from '@apisec/core';
import { button, type Child, count, field, h, time } from './dom.ts';
import { load, state } from './state.ts';

/** As many rows as there are at a time, however many events there are. */
const SHOWN = 100;
/** New rows that one frame has time for; the others follow in the next ones. */
const ROWS_A_FRAME = 2;

/** The newest events with a filter; one of them in full, and a link to it by the id of its request. */
export function decisionsView(
  request?: string,
  kind?: string,
): {
  readonly root: HTMLElement;
  readonly update: () => void;
} {
  const search = h('input', { type: 'search', placeholder: 'code, operation, caller …' });
  if (request !== undefined) search.value = request;
  const outcome = h(
    'select',
    {},
    ...['all', 'denied', 'failed', 'succeeded', 'acts', 'on trial'].map((name) =>
      h('option', { value: name }, name),
    ),
  );
  if (kind !== undefined) outcome.value = kind;
  const list = h('ol', { class: 'events', 'aria-label': 'Newest decisions' });
  const told = h('p', { class: 'told' });
  // Announced when somebody changes a filter, and not with every new decision.
  const said = h('p', { class: 'hidden', role: 'status' });
  let isPaused = false;
  let found: readonly AuditEvent[] = [];
  const pause = button('Pause', () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? 'Go on' : 'Pause';
    pause.setAttribute('aria-pressed', String(isPaused));
    if (!isPaused) update();
  });
  const rows = new Map<string, HTMLElement>();

  const show = (): void => {
    const words = search.value.trim().toLowerCase();
    const known = new Set(state.events.map(({ id }) => id));
    const all = [...found.filter(({ id }) => !known.has(id)), ...state.events];
    const matching = all.filter((event) => isKind(event, outcome.value) && matches(event, words));
    const shown = matching.slice(-SHOWN).toReversed();
    const ids = new Set(shown.map(({ id }) => id));
    // A row with the focus stays, even if newer ones have taken its place.
    const [held] = [...rows].find(([, row]) => row.contains(document.activeElement)) ?? [];
    for (const id of rows.keys()) if (!ids.has(id) && id !== held) rows.delete(id);
    // Rows stay the same elements, so that one that is open, or has the focus, keeps it.
    let room = ROWS_A_FRAME;
    const elements: HTMLElement[] = shown.flatMap((event) => {
      const row = rows.get(event.id) ?? (room-- > 0 ? rowOf(event) : undefined);
      if (row === undefined) return [];
      rows.set(event.id, row);
      return [row];
    });
    const kept = held === undefined || ids.has(held) ? undefined : rows.get(held);
    if (kept !== undefined) elements.push(kept);
    place(list, elements);
    if (room < 0) goOn();
    const left = state.left > 0 ? ` ${count(state.left)} came too fast to be sent.` : '';
    told.textContent = `${count(shown.length)} of ${count(matching.length)} shown.${left}`;
  };
  let isDue = false;
  const goOn = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      show();
    });
  };
  const find = async (id: string): Promise<void> => {
    const path = `decisions?request=${encodeURIComponent(id)}`;
    found = await load<readonly AuditEvent[]>(path).catch(() => []);
    narrow();
    list.querySelector('details')?.setAttribute('open', '');
  };
  const update = (): void => {
    // A frame that has rows to draw already shows what is new as well: two turns in one frame would draw twice as many.
    if (!isPaused && !isDue) show();
  };
  const narrow = (): void => {
    show();
    said.textContent = told.textContent;
  };
  search.addEventListener('input', narrow);
  outcome.addEventListener('change', narrow);
  if (request !== undefined) {
    void find(request);
  }
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Decisions'),
    h(
      'form',
      { class: 'filters', role: 'search' },
      field('Filter', search),
      field('Show', outcome),
      pause,
    ),
    told,
    said,
    list,
  );
  root.querySelector('form')?.addEventListener('submit', (event) => event.preventDefault());
  return { root, update };
}

/** Changes the list as little as can be. */
function place(list: HTMLElement, wanted: readonly HTMLElement[]): void {
  const keep = new Set<Element>(wanted);
  for (const child of Array.from(list.children)) if (!keep.has(child)) child.remove();
  let next: Element | null = list.firstElementChild;
  for (const element of wanted) {
    if (element === next) next = next.nextElementSibling;
    else list.insertBefore(element, next);
  }
}

function isKind(event: AuditEvent, kind: string): boolean {
  if (kind === 'all') return true;
  if (kind === 'acts') return event.kind === 'act';
  if (kind === 'on trial') return event.wouldDeny !== undefined;
  return event.kind === 'decision' && event.outcome === kind;
}

function matches(event: AuditEvent, words: string): boolean {
  if (words === '') return true;
  const { operation, code, policy, principal, peer, requestId, act, tenant, client } = event;
  return [operation, code, policy, principal, peer, requestId, act, tenant, client].some(
    (value) => value?.toLowerCase().includes(words) === true,
  );
}

function rowOf(event: AuditEvent): HTMLElement {
  const { outcome, operation, code, policy, act, subject, principal, peer, kind } = event;
  const details = h(
    'details',
    {},
    h(
      'summary',
      {},
      time(event.time),
      h(
        'span',
        { class: `key ${kind === 'act' ? 'act' : outcome}` },
        kind === 'act' ? 'act' : outcome,
      ),
      h('span', { class: 'operation' }, act ?? operation ?? 'unknown operation'),
      h('code', {}, code ?? ''),
      h('span', { class: 'who' }, subject ?? principal ?? peer ?? 'unknown caller'),
    ),
  );
  // Made when it is asked for: most are never opened.
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(fullOf(event, policy));
  });
  return h('li', {}, details);
}

function fullOf(event: AuditEvent, policy: string | undefined): HTMLElement {
  const { requestId, trace = [], wouldDeny = [], degraded = [], target, data } = event;
  const rows: (readonly [string, Child])[] = [
    ['Denied by', policy && `${policy}: ${event.code ?? ''} (${event.denialKind ?? ''})`],
    ['Reason, for operators', event.cause ?? event.reason],
    ['Would be denied by', wouldDeny.join(', ')],
    ['Degraded', degraded.join(', ')],
    ['Target', target && `${target.type} ${target.id}`],
    ['Data', data && JSON.stringify(data)],
    ['Event', `${event.event} (${event.severity})`],
    ['Protocol', [event.protocol, event.status].filter((each) => each !== undefined).join(' ')],
    ['Principal', event.principal],
    ['Client', event.client],
    ['Tenant', event.tenant],
    ['API key', event.apiKey],
    ['Peer', event.peer],
    ['Latency', event.latencyMs === undefined ? undefined : `${event.latencyMs} ms`],
    [
      'Request',
      requestId &&
        h('a', { href: `#decisions?request=${encodeURIComponent(requestId)}` }, requestId),
    ],
    ['Trace id', event.traceId],
  ];
  return h(
    'div',
    { class: 'full' },
    h(
      'dl',
      {},
      ...rows.flatMap(([name, value]) =>
        value === undefined || value === '' || value === false
          ? []
          : [h('dt', {}, name), h('dd', {}, value)],
      ),
    ),
    trace.length > 0 && h('h2', {}, 'Policies that ran'),
    trace.length > 0 &&
      h(
        'ol',
        { class: 'trace' },
        ...trace.map((step) => h('li', { class: /: denied/.test(step) ? 'bad' : undefined }, step)),
      ),
  );
}
