/** What can stand in an element. Text is text: there is no way to hand over markup. */
export type Child = Node | string | number | undefined | false;

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes and children. Names of elements and attributes are the page's own, never data. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...nodesOf(children));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(
  tag: string,
  attributes: Attributes,
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  element.append(...nodesOf(children));
  return element;
}

/** Puts `children` in place of what is there. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodesOf(children));
}

/**
 * Replaces the children, but keeps unchanged elements and the scroll position of tables, so that a user who has the
 * focus there, or reads it, is not sent back to the beginning of the page.
 */
export function renew(element: Element, ...children: readonly Child[]): void {
  const made = h('div', {});
  made.append(...nodesOf(children));
  const [old, fresh] = [Array.from(element.childNodes), Array.from(made.childNodes)];
  for (const [at, node] of fresh.entries()) {
    const was = old[at];
    if (was === undefined) element.append(node);
    else if (was.isEqualNode(node)) continue;
    else if (isRegion(was) && isRegion(node)) {
      was.setAttribute('aria-label', node.getAttribute('aria-label') ?? '');
      was.replaceChildren(...Array.from(node.childNodes));
    } else element.replaceChild(node, was);
  }
  for (const node of old.slice(fresh.length)) element.removeChild(node);
}

/** True for what {@link table} creates, which takes the focus so that it can be scrolled by keyboard. */
function isRegion(node: Node): node is HTMLElement {
  return node instanceof HTMLElement && node.getAttribute('role') === 'region';
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function nodesOf(children: readonly Child[]): readonly (Node | string)[] {
  return children.flatMap((child) =>
    child === undefined || child === false ? [] : [typeof child === 'number' ? `${child}` : child],
  );
}

/** A table with a caption for everybody who cannot see what stands above it. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  empty: string,
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty);
  const head = h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)));
  const body = rows.map((cells) => tableRow(heads, cells));
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'hidden' }, caption),
      h('thead', {}, head),
      h('tbody', {}, ...body),
    ),
  );
}

export function tableRow(heads: readonly string[], cells: readonly Child[]): HTMLElement {
  return h('tr', {}, ...cells.map((cell, at) => h('td', { 'data-head': heads[at] }, cell)));
}

/**
 * A button that runs `act`, and runs it once at a time. Where several have one label, `of` says what each is for to
 * whoever does not see its row.
 */
export function button(
  label: string,
  act: () => unknown,
  kind = '',
  of?: string,
): HTMLButtonElement {
  const named = of === undefined ? undefined : `${label} ${of}`;
  const element = h('button', { type: 'button', class: kind, 'aria-label': named }, label);
  const run = async (): Promise<void> => {
    element.disabled = true;
    try {
      await act();
    } finally {
      element.disabled = false;
    }
  };
  element.addEventListener('click', () => void run());
  return element;
}

/** A labelled field. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}

const number = new Intl.NumberFormat('en');
export const count = (value: number): string => number.format(value);

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

export function time(at: number | undefined): Child {
  if (at === undefined || !Number.isFinite(at)) return '–';
  const date = new Date(at);
  const isToday = Math.abs(Date.now() - at) < 43_200_000;
  return h('time', { datetime: date.toISOString() }, (isToday ? clock : day).format(date));
}
