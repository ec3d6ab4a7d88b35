import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { ASPECTS, type Aspect, type Presence, presenceOf } from './aspects.ts';
import { compareOperations, type DocumentedDifferences } from './compare-operations.ts';
import { templateOf } from './path-template.ts';
import {
  type CoveredOperation,
  type DocumentedOperation,
  policiesFor,
  type ServedOperation,
} from './served-operation.ts';

export type { Aspect, Presence } from './aspects.ts';
export type { DocumentedDifferences } from './compare-operations.ts';
export type { CoveredOperation, DocumentedOperation, ServedOperation } from './served-operation.ts';

/** Options of {@link coverageReport}. */
export interface CoverageReportOptions {
  /**
   * What every operation must have, for every call. Default: `authentication`, `grant` and `limit`. Add `input`,
   * `output` and `tenant` where your API has them everywhere.
   */
  readonly require?: readonly Aspect[] | undefined;
  /**
   * What an operation may lack on purpose, by its name: `{ 'GET /health': ['authentication', 'limit'] }`. An entry
   * that nothing lacks is reported, so that the list does not outlive its reasons.
   */
  readonly except?: Readonly<Record<string, readonly Aspect[]>> | undefined;
  /** What your documentation lists: see `openapiOperations`, and `documentedOperations` of the adapters. */
  readonly documented?: readonly DocumentedOperation[] | undefined;
}

/** What an application serves, and whether all of it is covered. */
export interface CoverageReport {
  /** True where `problems` is empty. */
  readonly covered: boolean;
  readonly operations: readonly CoveredOperation[];
  /** One sentence for each thing to fix. */
  readonly problems: readonly string[];
  /** How it differs from what is documented; undefined where no document was given. */
  readonly differences?: DocumentedDifferences | undefined;
}

const REQUIRED: readonly Aspect[] = ['authentication', 'grant', 'limit'];

/**
 * Says for each operation that an application serves what guards it and what it lacks, from the data of its policies:
 * nothing is called. What counts is what holds for every call: a policy in `when`, in `optional`, in one branch of
 * `anyOf` or in shadow mode is shown and does not count. A policy of your own counts by the facts that it adds
 * (`principal`, `tenant`), its role, and its `purposes`.
 *
 * Hand `inventoryOf(…)` of the adapters to it; several lists may be joined.
 *
 * @throws ConfigurationError for an unknown option or aspect.
 * @example
 * const report = coverageReport(inventoryOf(app), {
 *   except: { 'GET /health': ['authentication', 'limit'] },
 * });
 * assertCoverage(report);
 */
export function coverageReport(
  served: readonly ServedOperation[],
  options: CoverageReportOptions = {},
): CoverageReport {
  assertKnownOptions('coverageReport', options, ['require', 'except', 'documented']);
  const { require = REQUIRED, except = {}, documented } = options;
  for (const aspect of [...require, ...Object.values(except).flat()]) {
    assertOneOf('coverageReport', 'each aspect', aspect, ASPECTS);
  }
  const rules: Rules = {
    required: require,
    except: new Map(Object.entries(except)),
    deprecated: deprecatedIn(documented),
  };
  const operations = unique(served).map((each) => describe(each, rules));
  const differences = documented && compareOperations(operations, documented);
  const problems = [
    ...(operations.length === 0 ? ['No operation is served: hand over inventoryOf(app).'] : []),
    ...operations.flatMap(problemsOf),
    ...staleExceptions(operations, rules),
    ...(differences?.problems ?? []),
  ];
  return Object.freeze({ covered: problems.length === 0, operations, problems, differences });
}

/**
 * To be called at start: throws where an operation is not covered.
 *
 * @throws ConfigurationError with every problem of the report.
 * @example
 * assertCoverage(coverageReport(inventoryOf(app)));
 */
export function assertCoverage(report: CoverageReport): void {
  assertConfiguration(
    report.covered,
    `coverage: ${report.problems.length} to fix.\n- ${report.problems.join('\n- ')}`,
  );
}

interface Rules {
  readonly required: readonly Aspect[];
  readonly except: ReadonlyMap<string, readonly Aspect[]>;
  /** What the documents call deprecated, by its template. */
  readonly deprecated: ReadonlySet<string>;
}

function deprecatedIn(documented: readonly DocumentedOperation[] = []): ReadonlySet<string> {
  const old = documented.filter(({ deprecated }) => deprecated === true);
  return new Set(old.map(({ operation }) => templateOf(operation)));
}

function describe(
  { operation, protocol, admissions, policies: own = [], deprecated, nested }: ServedOperation,
  { required, except, deprecated: documented }: Rules,
): CoveredOperation {
  const lists = admissions.map((each) => policiesFor(each, operation));
  const unlisted = lists.includes(undefined);
  const policies = [...lists.flatMap((list) => list ?? []), ...own];
  const aspects = Object.fromEntries(
    ASPECTS.map((aspect) => [aspect, presenceOf(aspect, policies)]),
    // Each aspect was named.
  ) as Record<Aspect, Presence>;
  const excepted = except.get(operation) ?? [];
  // Nobody passes a table that does not list the operation, so there is nothing that a call could lack.
  const isJudged = nested !== true && !unlisted;
  const missing = isJudged ? required.filter((aspect) => aspects[aspect] !== 'yes') : [];
  return Object.freeze({
    operation,
    protocol,
    deprecated: deprecated === true || documented.has(templateOf(operation)),
    nested: nested === true,
    guarded: admissions.length > 0,
    unlisted,
    policies,
    aspects,
    lacks: missing.filter((aspect) => !excepted.includes(aspect)),
    excepted,
  });
}

function problemsOf({ operation, guarded, unlisted, lacks, aspects }: CoveredOperation): string[] {
  if (unlisted)
    return [`${operation} is served, but its table does not list it: every call is denied.`];
  if (lacks.length === 0) return [];
  if (!guarded) return [`${operation} has no guard. It lacks ${lacks.join(', ')}.`];
  const told = lacks.map((aspect) =>
    aspects[aspect] === 'no' ? aspect : `${aspect} (${TOLD[aspects[aspect]]})`,
  );
  return [`${operation} lacks ${told.join(', ')}.`];
}

const TOLD: Readonly<Record<Presence, string>> = {
  yes: '',
  sometimes: 'only for some calls',
  shadow: 'only in shadow mode',
  no: '',
};

function staleExceptions(
  operations: readonly CoveredOperation[],
  { required, except }: Rules,
): string[] {
  const byName = new Map(operations.map((each) => [each.operation, each]));
  return [...except].flatMap(([name, aspects]) => {
    const found = byName.get(name);
    if (found === undefined)
      return [`The exception "${name}" is for an operation that is not served.`];
    const needless = aspects.filter(
      (aspect) => !required.includes(aspect) || found.aspects[aspect] === 'yes',
    );
    return needless.length === 0
      ? []
      : [`The exception of "${name}" from ${needless.join(', ')} is not needed. Remove it.`];
  });
}

/** One row for an operation that several routes serve: the guards of each must hold, so the weakest counts. */
function unique(served: readonly ServedOperation[]): readonly ServedOperation[] {
  const weakest = new Map<string, ServedOperation>();
  for (const each of served) {
    const known = weakest.get(each.operation);
    if (known === undefined || strength(each) < strength(known)) weakest.set(each.operation, each);
  }
  return [...weakest.values()];
}

function strength({ admissions, policies = [], operation }: ServedOperation): number {
  if (admissions.length === 0) return 0;
  const all = [...admissions.flatMap((each) => policiesFor(each, operation) ?? []), ...policies];
  return 1 + ASPECTS.filter((aspect) => presenceOf(aspect, all) === 'yes').length;
}
