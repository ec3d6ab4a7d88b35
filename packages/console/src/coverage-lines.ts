import type { CoverageRow } from '@apisec/core';
import type { FeedView } from './console-feed.ts';
import type { CoverageAnswer, CoverageLine } from './wire.ts';

/** A coverage table, as far as the console asks it. */
export interface CoverageTable {
  readonly report: () => readonly CoverageRow[];
}

type Policies = CoverageRow['policies'];
type Column = 'authentication' | 'grant' | 'limit' | 'input' | 'output' | 'other';

/** What policies are for, by their names. A grant is known by its role. */
const COLUMNS: readonly (readonly [Column, RegExp])[] = [
  ['authentication', /^(?:authenticate|stepUp$|requireDpop$|requireCertificateBinding$)/],
  ['authentication', /^requireNotRevoked$/],
  ['limit', /^(?:rateLimit|concurrencyLimit|limitQuota|shedLoad|throttleFailures)$/],
  ['limit', /^(?:detectEnumeration|limitNegotiation|limitOperation)$/],
  ['input', /^(?:validate|limitBody$|limitPage$|allowedContentTypes$|requireCanonicalPath$)/],
  ['output', /^filterOutput$/],
];
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
    for (const { name, role, mode, parts } of list) {
      if (mode === 'shadow') shadow.push(name);
      // A combination says little by itself: its parts do the work.
      else if (parts !== undefined && parts.length > 0) place(parts);
      else columns[role === 'grant' ? 'grant' : columnOf(kindOf(name))].push(name);
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

function columnOf(name: string): Column {
  return COLUMNS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
}
