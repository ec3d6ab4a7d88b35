import { safeText } from '../audit/safe-text.ts';
import { ASPECTS, type Aspect, type Presence } from './aspects.ts';
import type { CoverageReport, CoveredOperation } from './coverage-report.ts';

const WORDS: Readonly<Record<Presence, string>> = {
  yes: 'yes',
  sometimes: 'sometimes',
  shadow: 'shadow',
  no: '-',
};
const WIDEST = 60;

/**
 * The report as a table for people, with what is to be mended below. Names hold nothing that could act on a terminal.
 * What an operation must have and has not is in capitals: `NO`, `SOMETIMES`, `SHADOW`.
 *
 * @example
 * console.log(printCoverage(coverageReport(inventoryOf(app))));
 */
export function printCoverage(report: CoverageReport): string {
  const head = ['operation', ...ASPECTS, 'guard'];
  const rows = [head, ...report.operations.map(rowOf)];
  const widths = head.map((_title, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const { problems, differences, operations } = report;
  const old = (differences?.deprecated ?? []).map(
    (name) => `${safeText(name, 200)} is deprecated by its document, and still served.`,
  );
  const told = problems.map((problem) => safeText(problem, 500));
  const end =
    problems.length === 0
      ? [`All ${operations.length} operations are covered.`]
      : [`${problems.length} to fix:`, ...told.map((problem) => `- ${problem}`)];
  return [...lines, '', ...old, ...end].join('\n');
}

function rowOf(each: CoveredOperation): readonly string[] {
  const { operation, deprecated, nested, unlisted, guarded, policies } = each;
  const marks = `${nested ? '  ' : ''}${operation}${deprecated ? ' (deprecated)' : ''}`;
  const names = policies.map(({ name, mode }) => (mode === 'shadow' ? `shadow ${name}` : name));
  const guard = unlisted
    ? '(not in the table: denied)'
    : guarded || names.length > 0
      ? names.map((name) => safeText(name, WIDEST)).join(', ')
      : '(none)';
  return [safeText(marks, WIDEST), ...ASPECTS.map((aspect) => cellOf(each, aspect)), guard];
}

function cellOf({ aspects, lacks }: CoveredOperation, aspect: Aspect): string {
  const presence = aspects[aspect];
  if (!lacks.includes(aspect)) return WORDS[presence];
  return presence === 'no' ? 'NO' : WORDS[presence].toUpperCase();
}
