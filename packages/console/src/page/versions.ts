import type { VersionCaller, VersionLine } from '../wire.ts';
import { type Child, count, h, table, time } from './dom.ts';

/** Versions of the API: which of them should not be called any more, until when they are there, and what follows. */
export function versionTable(versions: readonly VersionLine[]): HTMLElement {
  return table(
    'API versions',
    ['Version', 'State', 'Ends', 'Successor', 'Calls', 'Callers today'],
    versions.map(
      ({ version, state, deprecatedAt, sunsetAt, successor, calls, callers, tables }) => [
        h('span', {}, h('code', {}, version), ' ', h('small', {}, tables.join(', '))),
        state === 'deprecated'
          ? h('span', {}, stateOf(state, calls), ' since ', time(deprecatedAt))
          : stateOf(state, calls),
        time(sunsetAt),
        successor === undefined ? '–' : h('code', {}, successor),
        calls === 0 ? h('small', {}, 'none') : count(calls),
        callers === undefined ? '–' : count(callers),
      ],
    ),
    'No call named a version, and no table tells versions apart.',
  );
}

/** Whom to ask for a newer client. */
export function callerTable(callers: readonly VersionCaller[]): HTMLElement {
  return table(
    'Callers of versions',
    ['Version', 'State', 'Caller', 'Calls'],
    callers.map(({ version, state, caller, calls }) => [
      h('code', {}, version),
      stateOf(state, calls),
      h('code', {}, caller),
      count(calls),
    ]),
    'No call named a version.',
  );
}

/** Versions that are still called and should not be stand out, and not only by colour. */
function stateOf(state: VersionLine['state'], calls: number): Child {
  const isOld = state === 'deprecated' || state === 'ended';
  return isOld && calls > 0 ? h('strong', { class: 'bad' }, state) : state;
}
