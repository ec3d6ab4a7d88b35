import type { BalanceLine, LimitsAnswer } from '../wire.ts';
import { ask, say, unrecorded } from './dialogs.ts';
import { button, type Child, count, field, fill, h, table } from './dom.ts';
import { load, post, state } from './state.ts';

/** Who calls most, by names that tell nothing; what is left to a caller; limits that would fit. */
export function limitsView(): { readonly root: HTMLElement; readonly update: () => void } {
  const hottest = h('div', {});
  const suggested = h('div', {});
  const balances = h('div', { 'aria-live': 'polite' });
  const problem = h('p', { class: 'bad', role: 'alert' });
  const limit = h('select', { name: 'limit' });
  const key = h('input', { name: 'key', required: true });
  const tenant = h('input', { name: 'tenant' });

  const look = async (who: {
    readonly alias?: string;
    readonly key?: string;
    readonly tenant?: string;
  }) => {
    problem.textContent = '';
    const account = { limit: limit.value, ...who };
    const name = who.alias ?? who.key ?? '';
    try {
      const lines = await post<readonly BalanceLine[]>('limits/read', account);
      fill(
        balances,
        h('h3', {}, `${account.limit}: ${name}`),
        table(
          'What is left',
          ['Kind', 'Left', 'Of', 'Share', 'Full again in'],
          lines.map((line): readonly Child[] => [
            line.algorithm,
            count(Math.floor(line.remaining)),
            count(line.capacity),
            h('meter', {
              min: 0,
              max: line.capacity,
              low: line.capacity * 0.2,
              value: line.remaining,
              'aria-hidden': 'true',
            }),
            `${count(Math.ceil(line.resetAfterMs / 1_000))} s`,
          ]),
          'This limit counts nothing.',
        ),
        state.abilities.acts && button('Reset …', () => reset(account, name), 'danger'),
      );
    } catch (cause) {
      problem.textContent = cause instanceof Error ? cause.message : String(cause);
    }
  };
  const reset = (account: object, name: string): void =>
    ask(`Reset the limit of ${name}?`, ['What was used is forgotten.'], 'Reset', async () => {
      const { recorded } = await post<{ readonly recorded: boolean }>('limits/reset', account);
      if (!recorded) say('Reset', unrecorded(recorded));
      await look(account);
    });
  const refresh = async (): Promise<void> => {
    try {
      const answer = await load<LimitsAnswer>('limits');
      const chosen = limit.value;
      fill(limit, ...answer.limits.map((name) => h('option', {}, name)));
      if (answer.limits.includes(chosen)) limit.value = chosen;
      fill(
        hottest,
        table(
          'Callers who call most',
          ['Caller', 'Calls', 'Denied', 'Acts'],
          answer.hottest.map(({ alias, calls, denied }): readonly Child[] => [
            h('code', {}, alias),
            count(calls),
            denied > 0 ? h('span', { class: 'bad' }, count(denied)) : '0',
            answer.limits.length > 0 && button('Look', () => look({ alias }), '', alias),
          ]),
          'Nobody called in the last minutes.',
        ),
      );
      fill(
        suggested,
        table(
          'Limits that would fit',
          ['Operation', 'Calls of a caller in a minute', 'Learned from'],
          answer.suggested.map(({ operation, perMinute, observations }): readonly Child[] => [
            h('code', {}, operation),
            count(perMinute),
            `${count(observations)} caller-minutes`,
          ]),
          'Nothing was learned yet: give consoleRoutes the option usage, and it some minutes.',
        ),
      );
    } catch (cause) {
      problem.textContent = String(cause);
    }
  };
  void refresh();
  const form = h(
    'form',
    { class: 'filters' },
    field('Limit', limit),
    field('Caller, as the limit counts it', key),
    field('Tenant', tenant),
    h('button', {}, 'Look'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void look({ key: key.value, ...(tenant.value !== '' && { tenant: tenant.value }) });
  });
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Limits'),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'panel' },
        h('h2', {}, 'Hottest callers, last minutes'),
        hottest,
        h('p', { class: 'buttons' }, button('Refresh', refresh)),
      ),
      h(
        'section',
        { class: 'panel' },
        h('h2', {}, 'What is left to a caller'),
        state.abilities.limits
          ? form
          : h('p', { class: 'empty' }, 'Give consoleRoutes the option limits.'),
        problem,
        balances,
      ),
      h('section', { class: 'panel' }, h('h2', {}, 'Suggested limits'), suggested),
    ),
  );
  return { root, update: () => undefined };
}
