import type { CoverageRow } from '@apisec/core';
import { purposesOf } from '@apisec/core/host';
import type { FeedView } from './console-feed.ts';
import type { CoverageAnswer, CoverageLine } from './wire.ts';

/** A coverage table, as far as the console asks it. */
export interface CoverageTable {
  readonly report: () => readonly CoverageRow[];
}

type Policies = CoverageRow['policies'];
type Column = 'authentication' | 'grant' | 'limit' | 'input' | 'output' | 'other';

/** Of several purposes the first of these says where a policy stands; what says none stands under `other`. */
const COLUMNS = ['authentication', 'limit', 'input', 'output'] as const;
const OPEN = new Set(['allowAnonymous']);
const MOST_LINES = 10_000;
const MOST_NAMES = 50;

/** Every operation of the tables with what guards it, and how often it was called since the feed began. */
export function coverageAnswer(
  tables: Readonly<Record<string, CoverageTable>>,
  feed: FeedView,
): CoverageAnswer {
  const now = feed.now();
  const lines = Object.entries(tables).flatMap(([table, { report }]) =>
    report().map(({ operation, policies }) => lineOf(table, operation, policies, feed)),
  );
  return {
    since: feed.since,
    lines: lines.slice(0, MOST_LINES),
    unlisted: feed.unlisted.top(now, MOST_NAMES),
    versions: feed.versions.top(now, MOST_NAMES),
  };
}

function lineOf(
  table: string,
  operation: string,
  policies: Policies,
  feed: FeedView,
): CoverageLine {
  const columns: Record<Column, string[]> = {
    authentication: [],
    grant: [],
    limit: [],
    input: [],
    output: [],
    other: [],
  };
  const shadow: string[] = [];
  const place = (list: Policies): void => {
    for (const policy of list) {
      const { name, role, mode, parts } = policy;
      if (mode === 'shadow') shadow.push(name);
      // A combination says little by itself: its parts do the work.
      else if (parts !== undefined && parts.length > 0) place(parts);
      else columns[role === 'grant' ? 'grant' : columnOf(policy)].push(name);
    }
  };
  place(policies);
  const { calls = 0, denied = 0 } = feed.operations.get(operation) ?? {};
  const open = columns.grant.length === 0 || columns.grant.some((name) => OPEN.has(kindOf(name)));
  return { table, operation, ...columns, shadow, open, calls, denied };
}

/** `requireScopes(orders:read)` is a `requireScopes`. */
function kindOf(name: string): string {
  return name.split('(', 1)[0] ?? name;
}

/** By what the policy itself says that it is there for. */
function columnOf(policy: Policies[number]): Column {
  const purposes = purposesOf(policy);
  return COLUMNS.find((column) => purposes.includes(column)) ?? 'other';
}
