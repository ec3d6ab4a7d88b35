import { ask, say, unrecorded } from './dialogs.ts';
import { button, type Child, count, field, fill, h, table, time } from './dom.ts';
import { post, state } from './state.ts';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly generation: number;
  readonly owner: { readonly type: string; readonly id: string };
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastUsedAt?: number;
  readonly expiresAt?: number;
  readonly previous?: { readonly until: number };
}

/** API keys of a tenant, to rotate and revoke; sessions of a user, to end. */
export function keysView(): { readonly root: HTMLElement; readonly update: () => void } {
  const { keys, sessions } = state.abilities;
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Keys and sessions'),
    keys
      ? keysPanel()
      : h('p', { class: 'empty' }, 'Give consoleRoutes the option keys to see API keys.'),
    sessions
      ? sessionsPanel()
      : h('p', { class: 'empty' }, 'Give consoleRoutes the option sessions to see sessions.'),
  );
  return { root, update: () => undefined };
}

function keysPanel(): HTMLElement {
  const tenant = h('input', { name: 'tenant', placeholder: 'of no tenant' });
  const list = h('div', { class: 'wide' });
  const told = h('p', { class: 'hidden', role: 'status' });
  let pages: string[] = [];

  const refresh = async (): Promise<void> => {
    try {
      const { keys, next } = await post<{ readonly keys: readonly Key[]; readonly next?: string }>(
        'keys/list',
        { tenant: tenant.value, after: pages.at(-1) },
      );
      fill(
        list,
        table(
          'API keys',
          ['Name', 'Id', 'Owner', 'Status', 'Age', 'Last used', 'Expires', 'Acts'],
          keys.map((key) => cellsOf(key)),
          'There are no keys here.',
        ),
        next !== undefined &&
          button('Next', () => {
            pages.push(next);
            return refresh();
          }),
      );
      told.textContent = countOf(keys.length, 'key');
    } catch (cause) {
      fill(
        list,
        h(
          'p',
          { class: 'bad', role: 'alert' },
          cause instanceof Error ? cause.message : String(cause),
        ),
      );
    }
  };

  const cellsOf = (key: Key): readonly Child[] => {
    const { name, id, owner, status, createdAt, lastUsedAt, expiresAt, previous } = key;
    const isOver = status === 'revoked';
    const overlap = previous !== undefined && previous.until > Date.now();
    return [
      name,
      h('code', {}, id),
      `${owner.type} ${owner.id}`,
      h(
        'span',
        { class: isOver ? 'bad' : undefined },
        status,
        overlap ? ', old secret still good until ' : '',
        overlap && time(previous.until),
      ),
      ageOf(createdAt),
      time(lastUsedAt),
      time(expiresAt),
      state.abilities.acts &&
        !isOver &&
        h(
          'span',
          { class: 'buttons' },
          button('Rotate …', () => rotate(key), '', key.name),
          button('Revoke …', () => revoke(key), 'danger', key.name),
        ),
    ];
  };

  const rotate = ({ id, name, generation }: Key): void => {
    const hours = h('input', {
      type: 'number',
      min: 0,
      max: 720,
      step: 1,
      value: 24,
      required: true,
    });
    ask(
      `Rotate the key “${name}”?`,
      [field('Hours for which the old secret stays good', hours)],
      'Rotate',
      async () => {
        const body = { id, generation, overlapHours: hours.valueAsNumber };
        const { key, recorded } = await post<{ readonly key: string; readonly recorded: boolean }>(
          'keys/rotate',
          body,
        );
        await refresh();
        say(
          'The new key',
          'It is shown once, here.',
          h('code', { class: 'secret' }, key),
          h('p', { class: 'bad' }, unrecorded(recorded)),
        );
      },
    );
  };
  const revoke = ({ id, name }: Key): void => {
    const reason = h('input', { maxlength: 512, required: true });
    ask(
      `Revoke the key “${name}”?`,
      ['Nobody can undo this.', field('Reason, for the audit trail', reason)],
      'Revoke',
      async () => {
        const { recorded } = await post<{ readonly recorded: boolean }>('keys/revoke', {
          id,
          reason: reason.value,
        });
        await refresh();
        if (!recorded) say('Revoked', unrecorded(recorded));
      },
    );
  };

  const form = h('form', { class: 'filters' }, field('Tenant', tenant), h('button', {}, 'List'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    pages = [];
    void refresh();
  });
  void refresh();
  return h('section', { class: 'panel' }, h('h2', {}, 'API keys'), form, told, list);
}

function sessionsPanel(): HTMLElement {
  const issuer = h('input', { name: 'issuer', required: true });
  const subject = h('input', { name: 'subject', required: true });
  const list = h('div', { class: 'wide' });
  const told = h('p', { class: 'hidden', role: 'status' });
  const owner = (): object => ({ issuer: issuer.value, subject: subject.value });

  interface Line {
    readonly handle: string;
    readonly clientId: string;
    readonly createdAt: number;
    readonly seenAt: number;
    readonly expiresAt: number;
  }
  const refresh = async (): Promise<void> => {
    const user = owner();
    try {
      const lines = await post<readonly Line[]>('sessions/list', user);
      fill(
        list,
        table(
          'Sessions',
          ['Client', 'Began', 'Last seen', 'Ends', 'Acts'],
          lines.map(({ handle, clientId, createdAt, seenAt, expiresAt }): readonly Child[] => [
            clientId,
            time(createdAt),
            time(seenAt),
            time(expiresAt),
            state.abilities.acts &&
              button(
                'End …',
                () => end({ ...user, handle }, 'this session'),
                'danger',
                handle.slice(0, 8),
              ),
          ]),
          'This user has no session.',
        ),
        lines.length > 1 &&
          state.abilities.acts &&
          button('End all …', () => end({ ...user, all: true }, 'all of them'), 'danger'),
      );
      told.textContent = countOf(lines.length, 'session');
    } catch (cause) {
      fill(
        list,
        h(
          'p',
          { class: 'bad', role: 'alert' },
          cause instanceof Error ? cause.message : String(cause),
        ),
      );
    }
  };
  const end = (body: object, which: string): void =>
    ask(`End ${which}?`, ['The user has to sign in again.'], 'End', async () => {
      const { recorded } = await post<{ readonly recorded: boolean }>('sessions/end', body);
      await refresh();
      if (!recorded) say('Ended', unrecorded(recorded));
    });
  const form = h(
    'form',
    { class: 'filters' },
    field('Issuer', issuer),
    field('Subject', subject),
    h('button', {}, 'List'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void refresh();
  });
  return h('section', { class: 'panel' }, h('h2', {}, 'Sessions of a user'), form, told, list);
}

/** The announcement of a list: its length alone. */
function countOf(number: number, what: string): string {
  return number === 1 ? `One ${what} is listed.` : `${count(number)} ${what}s are listed.`;
}

/** Old keys are what an operator looks for. */
function ageOf(createdAt: number): Child {
  const days = Math.floor((Date.now() - createdAt) / 86_400_000);
  return h(
    'span',
    { class: days > 365 ? 'bad' : undefined },
    days === 0 ? 'today' : `${days} days`,
  );
}
