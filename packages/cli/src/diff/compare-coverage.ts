import type { Aspect, Presence } from '@apisec/core';
import { PRESENCE_RANK, templateOf } from '@apisec/core/host';
import { compareSettings, type NamedPolicy } from './compare-settings.ts';

/** One operation, with what is known of it on either side. */
export interface ComparedOperation {
  readonly operation: string;
  /** `denied`: its table does not list it. Undefined where the source says nothing. */
  readonly aspects: Readonly<Partial<Record<Aspect, Presence>>>;
  readonly denied: boolean;
  /** A GraphQL field below the root: new ones open nothing, since what leads to them is judged. */
  readonly nested: boolean;
  /** The policies that are enforced, for changes that no aspect shows; undefined in documents. */
  readonly policies: readonly NamedPolicy[] | undefined;
}

/** One difference. */
export interface Change {
  readonly operation: string;
  /** `opened`: reachable, or reachable with less. `closed`: gone, denied, or reachable with more only. */
  readonly kind: 'opened' | 'closed';
  /** In words. */
  readonly what: string;
}

const TOLD: Readonly<Record<Presence, string>> = {
  yes: 'for every call',
  sometimes: 'for some calls',
  shadow: 'in shadow mode',
  no: 'never',
};

/** What became open and what was closed between two lists, by method and path whatever parameters are called. */
export function compareCoverage(
  before: readonly ComparedOperation[],
  after: readonly ComparedOperation[],
): readonly Change[] {
  const known = new Map<string, ComparedOperation[]>();
  for (const each of before) {
    const key = templateOf(each.operation);
    known.set(key, [...(known.get(key) ?? []), each]);
  }
  const counterparts = new Map<ComparedOperation, ComparedOperation>();
  const match = (is: ComparedOperation, same: (was: ComparedOperation) => boolean): void => {
    const list = known.get(templateOf(is.operation)) ?? [];
    const at = counterparts.has(is) ? -1 : list.findIndex(same);
    for (const was of at < 0 ? [] : list.splice(at, 1)) counterparts.set(is, was);
  };
  // Several may be at one path, `/orders/:id` and `/orders/:name`: of the same name first, in whatever order they are.
  for (const each of after) match(each, ({ operation }) => operation === each.operation);
  for (const each of after) match(each, () => true);
  const found = after.flatMap((each) => {
    const was = counterparts.get(each);
    return was === undefined ? appeared(each) : changed(was, each);
  });
  return [...found, ...[...known.values()].flat().flatMap(disappeared)];
}

function disappeared({
  operation,
  denied,
  nested,
  policies = [],
}: ComparedOperation): readonly Change[] {
  // Reports leave out nested fields that nothing guards.
  if (nested) {
    const what = `is gone, or lost ${namesOf(policies).join(', ')}`;
    return policies.length === 0 ? [] : [{ operation, kind: 'opened', what }];
  }
  return denied ? [] : [{ operation, kind: 'closed', what: 'is not served any more' }];
}

/** What is new is more than there was, so it opens something unless everybody is denied. */
function appeared({ operation, denied, nested, aspects }: ComparedOperation): readonly Change[] {
  if (denied || nested) return [];
  const lacks = (['authentication', 'grant', 'limit'] as const).filter(
    (aspect) => aspects[aspect] !== undefined && aspects[aspect] !== 'yes',
  );
  const what = lacks.length === 0 ? 'is new' : `is new, and lacks ${lacks.join(', ')}`;
  return [{ operation, kind: 'opened', what }];
}

function changed(was: ComparedOperation, is: ComparedOperation): readonly Change[] {
  const { operation } = is;
  if (was.denied !== is.denied) {
    return is.denied
      ? [{ operation, kind: 'closed', what: 'is denied to everybody' }]
      : [{ operation, kind: 'opened', what: 'was denied to everybody' }];
  }
  const changes: Change[] = [];
  for (const [name, now] of Object.entries(is.aspects)) {
    // The entries are those of a record of aspects.
    const aspect = name as Aspect;
    const then = was.aspects[aspect];
    if (then === undefined || then === now) continue;
    const kind = PRESENCE_RANK[now] < PRESENCE_RANK[then] ? 'opened' : 'closed';
    changes.push({ operation, kind, what: `${aspect} ${TOLD[now]}, was ${TOLD[then]}` });
  }
  if (was.policies === undefined || is.policies === undefined) return changes;
  const [before, after] = [namesOf(was.policies), namesOf(is.policies)];
  const [lost, gained] = [without(before, after), without(after, before)];
  if (lost.length > 0) changes.push({ operation, kind: 'opened', what: `lost ${lost.join(', ')}` });
  if (gained.length > 0) {
    // A policy in the place of another one says nothing about which of them is stricter.
    changes.push({ operation, kind: 'closed', what: `gained ${gained.join(', ')}` });
  }
  for (const { kind, what } of compareSettings(was.policies, is.policies)) {
    changes.push({ operation, kind, what });
  }
  return changes;
}

/** Skips policies that the name of a combination already lists. */
function namesOf(policies: readonly NamedPolicy[]): readonly string[] {
  return policies.filter(({ isListed }) => !isListed).map(({ name }) => name);
}

/** Names that `others` has fewer times than `some`, each as often as it is missing. */
function without(some: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return some.filter((name) => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
