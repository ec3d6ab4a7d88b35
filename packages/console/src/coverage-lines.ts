import type { CoverageRow } from '@apisec/core';
import { purposesOf } from '@apisec/core/host';
import type { FeedView } from './console-feed.ts';
import {
  type DeclaredVersions,
  declaredVersions,
  type VersionUsage,
  versionLines,
} from './version-lines.ts';
import type { CoverageAnswer, CoverageLine, CoverageShow } from './wire.ts';

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
/** What a browser parses and draws within a frame. */
const LINES_A_PAGE = 40;
const LONGEST_SEARCH = 256;

const FILTERS: Readonly<Record<CoverageShow, (line: CoverageLine) => boolean>> = {
  all: () => true,
  open: ({ open }) => open,
  unlimited: ({ limit }) => limit.length === 0,
  unchecked: ({ input }) => input.length === 0,
  uncalled: ({ calls }) => calls === 0,
  trial: ({ shadow }) => shadow.length > 0,
};

/** What guards an operation, as it stays until the next deployment. */
interface Guarded extends Omit<CoverageLine, 'calls' | 'denied'> {
  /** What is searched. */
  readonly text: string;
}

/** Every operation of the tables with what guards it, and how often it was called since the feed began. */
export interface CoverageReader {
  readonly lines: () => readonly CoverageLine[];
  /** The lines that a page asks for: `?from=40&find=orders&show=open`. What cannot be read counts as not asked. */
  readonly page: (asked: URLSearchParams) => CoverageAnswer;
}

/** Reads the tables once, when somebody asks first. */
export function coverageReader(
  tables: Readonly<Record<string, CoverageTable>>,
  feed: FeedView,
  usage?: Partial<VersionUsage>,
): CoverageReader {
  let known: readonly Guarded[] | undefined;
  let versions: DeclaredVersions | undefined;
  const declared = (): DeclaredVersions => {
    versions ??= declaredVersions(
      Object.entries(tables).flatMap(([table, { report }]) =>
        report().map(({ policies }) => [table, policies] as const),
      ),
    );
    return versions;
  };
  const guarded = (): readonly Guarded[] => {
    known ??= Object.entries(tables)
      .flatMap(([table, { report }]) =>
        report().map(({ operation, policies }) => guardedBy(table, operation, policies)),
      )
      .slice(0, MOST_LINES);
    return known;
  };
  const counted = ({ text: _text, ...line }: Guarded): CoverageLine => {
    const { calls = 0, denied = 0 } = feed.operations.get(line.operation) ?? {};
    return { ...line, calls, denied };
  };
  return {
    lines: () => guarded().map(counted),
    page: (asked) => {
      const now = feed.now();
      const words = (asked.get('find') ?? '').trim().toLowerCase().slice(0, LONGEST_SEARCH);
      const show = asked.get('show') ?? '';
      // An own member of the table above, so one of its names.
      const keep = Object.hasOwn(FILTERS, show) ? FILTERS[show as CoverageShow] : FILTERS.all;
      const found = guarded().filter(({ text }) => text.includes(words));
      const matching = found.map(counted).filter(keep);
      const last = Math.max(0, Math.ceil(matching.length / LINES_A_PAGE) - 1);
      const page = Math.floor(Number(asked.get('from')) / LINES_A_PAGE);
      const from = Math.min(page >= 0 ? page : 0, last) * LINES_A_PAGE;
      return {
        since: feed.since,
        lines: matching.slice(from, from + LINES_A_PAGE),
        from,
        total: matching.length,
        unlisted: feed.unlisted.top(now, MOST_NAMES),
        ...versionLines(declared(), feed, usage),
      };
    },
  };
}

function guardedBy(table: string, operation: string, policies: Policies): Guarded {
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
  const open = columns.grant.length === 0 || columns.grant.some((name) => OPEN.has(kindOf(name)));
  const text = `${table} ${operation}`.toLowerCase();
  return { table, operation, ...columns, shadow, open, text };
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
