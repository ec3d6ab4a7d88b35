import type { CoverageReportOptions } from '../inventory/coverage-report.ts';
import { assertCoverage, coverageReport } from '../inventory/coverage-report.ts';
import type { ServedOperation } from '../inventory/served-operation.ts';

/** What `expect.extend` of vitest and jest takes: a type, since an interface has no index signature. */
export type CoverageMatchers = {
  readonly toBeCovered: (
    served: readonly ServedOperation[],
    options?: CoverageReportOptions,
  ) => { readonly pass: boolean; readonly message: () => string };
};

/**
 * `toBeCovered` for `expect` of vitest and jest: fails with every operation that lacks something.
 *
 * @example
 * expect.extend(coverageMatchers);
 * expect(inventoryOf(app)).toBeCovered({ except: { 'GET /health': ['authentication', 'limit'] } });
 */
export const coverageMatchers: CoverageMatchers = Object.freeze({
  toBeCovered: (served: readonly ServedOperation[], options?: CoverageReportOptions) => {
    const { covered, problems } = coverageReport(served, options);
    return {
      pass: covered,
      message: () =>
        covered ? 'Everything is covered.' : `Not covered:\n- ${problems.join('\n- ')}`,
    };
  },
});

/**
 * Fails a test with every operation that lacks something: one line in any runner, `node:test` included.
 *
 * @throws ConfigurationError with every problem of the report.
 * @example
 * test('every route is covered', () => expectCovered(inventoryOf(app)));
 */
export function expectCovered(
  served: readonly ServedOperation[],
  options?: CoverageReportOptions,
): void {
  assertCoverage(coverageReport(served, options));
}
