import type { ShadowAnswer } from '../wire.ts';
import { button, type Child, count, fill, h, table } from './dom.ts';
import { load } from './state.ts';

/** What policies on trial would have denied, and what would change if they were enforced. */
export function shadowView(): { readonly root: HTMLElement; readonly update: () => void } {
  const told = h('p', { class: 'told', role: 'status' }, 'Loading …');
  const denied = h('div', { class: 'wide' });
  const silent = h('div', { class: 'wide' });
  const refresh = async (): Promise<void> => {
    try {
      const answer = await load<ShadowAnswer>('shadow');
      const admitted = answer.trials.reduce((sum, each) => sum + each.admitted, 0);
      told.textContent =
        'Calls of the last day that were let in, and that policies on trial would have denied: ' +
        `${count(admitted)}.`;
      fill(
        denied,
        table(
          'What policies on trial would have denied',
          ['Operation', 'Policy', 'Code', 'Would be denied', 'Of them let in'],
          answer.trials.map(
            ({ operation, policy, code, would, admitted: newly }): readonly Child[] => [
              h('code', {}, operation),
              policy,
              h('code', {}, code),
              count(would),
              newly > 0 ? h('strong', { class: 'bad' }, count(newly)) : '0',
            ],
          ),
          'No policy on trial would have denied a call.',
        ),
      );
      fill(
        silent,
        table(
          'Policies on trial that would have denied nothing',
          ['Operation', 'Policy', 'Calls since the feed began'],
          answer.silent.map(({ operation, table: of, policy, calls }): readonly Child[] => [
            h('span', {}, h('code', {}, operation), ' ', h('small', {}, of)),
            policy,
            calls === 0 ? h('small', {}, 'never called') : count(calls),
          ]),
          'There is none, or consoleRoutes has no tables.',
        ),
      );
    } catch (cause) {
      told.textContent = cause instanceof Error ? cause.message : String(cause);
    }
  };
  void refresh();
  const root = h(
    'section',
    {},
    h('h1', { tabindex: -1 }, 'Shadow'),
    told,
    h('section', { class: 'panel' }, h('h2', {}, 'Would have been denied, last day'), denied),
    h('section', { class: 'panel' }, h('h2', {}, 'On trial, and denied nothing'), silent),
    h(
      'p',
      {},
      button('Refresh', refresh),
      ' ',
      h('a', { href: '#decisions?kind=on%20trial' }, 'The calls'),
    ),
  );
  return { root, update: () => undefined };
}
