import type { CoverageRow } from '@apisec/core';
import { BETWEEN, type FeedView } from './console-feed.ts';
import type { VersionCaller, VersionLine } from './wire.ts';

type Policies = CoverageRow['policies'];
type Info = NonNullable<Policies[number]['versions']>[number];

/** What is asked of `usage()` of `@apisec/insights` about versions. */
export interface VersionUsage {
  readonly report: (
    dimension: 'apiVersion',
    window: 'day',
  ) => readonly { readonly name: string; readonly callers: number }[];
}

/** Versions as the tables declare them, by name. */
export type DeclaredVersions = ReadonlyMap<string, Omit<VersionLine, 'calls' | 'state'>>;

const MOST_LINES = 50;
/** What operators have to act on comes first. */
const ORDER: readonly VersionLine['state'][] = ['deprecated', 'ended', 'current', 'unknown'];

/** What policies of tables say about versions. Where several tell them apart, the earliest end counts. */
export function declaredVersions(
  rows: Iterable<readonly [table: string, policies: Policies]>,
): DeclaredVersions {
  const all = new Map<string, Omit<VersionLine, 'calls' | 'state'>>();
  const read = (table: string, policies: Policies): void => {
    for (const { versions = [], parts } of policies) {
      if (parts !== undefined) read(table, parts);
      for (const info of versions) all.set(info.name, merged(all.get(info.name), info, table));
    }
  };
  for (const [table, policies] of rows) read(table, policies);
  return all;
}

function merged(
  before: Omit<VersionLine, 'calls' | 'state'> | undefined,
  { name, deprecatedAt, sunsetAt, successor }: Info,
  table: string,
): Omit<VersionLine, 'calls' | 'state'> {
  return {
    version: name,
    deprecatedAt: earliest(before?.deprecatedAt, deprecatedAt),
    sunsetAt: earliest(before?.sunsetAt, sunsetAt),
    successor: before?.successor ?? successor,
    tables: before?.tables.includes(table) ? before.tables : [...(before?.tables ?? []), table],
  };
}

/** What versions are in use, which of them should not be, and by whom; those that nobody calls any more with 0. */
export function versionLines(
  declared: DeclaredVersions,
  feed: FeedView,
  usage: Partial<VersionUsage> | undefined,
): {
  readonly versions: readonly VersionLine[];
  readonly versionCallers: readonly VersionCaller[];
} {
  const now = feed.now();
  const calls = new Map(feed.versions.top(now, MOST_LINES));
  const distinct = new Map(
    usage?.report?.('apiVersion', 'day').map(({ name, callers }) => [name, callers]),
  );
  const names = new Set([...declared.keys(), ...calls.keys()]);
  const lines = [...names].map((version): VersionLine => {
    const info = declared.get(version) ?? { version, tables: [] };
    const state = stateAt(now, declared.get(version));
    return { ...info, state, calls: calls.get(version) ?? 0, callers: distinct.get(version) };
  });
  const stateOf = new Map(lines.map(({ version, state }) => [version, state]));
  const callers = feed.versionCallers.top(now, MOST_LINES).map(([name, count]): VersionCaller => {
    const [version = '', caller = ''] = name.split(BETWEEN);
    return { version, caller, calls: count, state: stateOf.get(version) ?? 'unknown' };
  });
  return { versions: toActOn(lines).slice(0, MOST_LINES), versionCallers: toActOn(callers) };
}

function toActOn<Line extends Pick<VersionLine, 'calls' | 'state'>>(
  lines: readonly Line[],
): readonly Line[] {
  return lines.toSorted(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.calls - a.calls,
  );
}

function stateAt(
  now: number,
  known: Pick<VersionLine, 'deprecatedAt' | 'sunsetAt'> | undefined,
): VersionLine['state'] {
  if (known === undefined) return 'unknown';
  const { deprecatedAt, sunsetAt } = known;
  if (sunsetAt !== undefined && now >= sunsetAt) return 'ended';
  return deprecatedAt !== undefined && now >= deprecatedAt ? 'deprecated' : 'current';
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
