import { coverageView } from './coverage.ts';
import { decisionsView } from './decisions.ts';
import { h } from './dom.ts';
import { keysView } from './keys.ts';
import { limitsView } from './limits.ts';
import { nowView } from './now.ts';
import { shadowView } from './shadow.ts';
import { connect, load, state } from './state.ts';

interface View {
  readonly root: HTMLElement;
  readonly update: () => void;
}

const views: Readonly<
  Record<
    string,
    { readonly title: string; readonly make: (request?: string, kind?: string) => View }
  >
> = {
  now: { title: 'Now', make: nowView },
  coverage: { title: 'Coverage', make: coverageView },
  decisions: { title: 'Decisions', make: decisionsView },
  limits: { title: 'Limits', make: limitsView },
  shadow: { title: 'Shadow', make: shadowView },
  keys: { title: 'Keys and sessions', make: keysView },
};

const main = document.querySelector('main') as HTMLElement;
const nav = document.querySelector('nav') as HTMLElement;
const status = document.querySelector('#status') as HTMLElement;
let current: View | undefined;
let isDue = false;

/** The address says what is shown: `#decisions?request=…`. */
function open(): void {
  const [name = '', query = ''] = location.hash.slice(1).split('?');
  if (name === 'main') return main.focus();
  const known = Object.hasOwn(views, name) ? name : 'now';
  const view = views[known];
  if (view === undefined) return;
  const wasOpen = current !== undefined;
  const asked = new URLSearchParams(query);
  current = view.make(asked.get('request') ?? undefined, asked.get('kind') ?? undefined);
  current.update();
  main.replaceChildren(current.root);
  document.title = `${view.title} · apisec console`;
  for (const link of nav.querySelectorAll('a')) {
    if (link.hash === `#${known}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  // Moves the focus to the beginning of the page, for users who cannot see that it has changed.
  if (wasOpen) current.root.querySelector('h1')?.focus();
}

/** At most one redraw for each frame, and none while the page is hidden. */
function redraw(): void {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    current?.update();
  });
}

const TOLD = {
  live: 'Live',
  reconnecting: 'Reconnecting …',
  denied: 'Not connected: signed out, or too many pages are open. Reload to sign in.',
} as const;

function tell(which: keyof typeof TOLD): void {
  if (status.textContent === TOLD[which]) return;
  status.textContent = TOLD[which];
  status.className = which;
}

nav.append(
  ...Object.entries(views).map(([name, { title }]) => h('a', { href: `#${name}` }, title)),
);
addEventListener('hashchange', open);
state.abilities = await load<typeof state.abilities>('abilities').catch(() => state.abilities);
open();
connect(redraw, tell);
