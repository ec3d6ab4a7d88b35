import { report } from '../engine/report.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { HttpDenial } from '../wire/http.ts';
import {
  assertProblemOptions,
  errorProblem,
  PROBLEM_OPTIONS,
  type ProblemOptions,
} from '../wire/problems.ts';
import { faultReporter } from './fault-reporter.ts';

/** What `problems()` of every framework takes. */
export interface ProblemAnswerOptions extends ProblemOptions {
  /**
   * Told of errors that are answered with 500 or more, as `{ requestId, cause }`. Default: one line on `console.error`
   * for each cause and minute.
   */
  readonly onFault?: ((fault: { requestId: string; cause: unknown }) => void) | undefined;
}

/**
 * For adapters: answers errors with problem details, and reports those that are faults of the server to `onFault`.
 *
 * @param packageName names the adapter in what is printed by default.
 * @param own options that this adapter takes besides.
 * @throws ConfigurationError for options that it does not know or that are out of range.
 */
export function problemAnswers(
  packageName: string,
  options: ProblemAnswerOptions,
  own: readonly string[],
): (cause: unknown, requestId: string) => HttpDenial {
  assertKnownOptions('problems', options, [...PROBLEM_OPTIONS, 'onFault', ...own]);
  assertProblemOptions('problems', options);
  const { problemTypeBase: typeBase, insecureVerbose: verbose, onFault } = options;
  const print = faultReporter(packageName);
  return (cause, requestId) => {
    const problem = errorProblem(cause, { typeBase, requestId, verbose });
    if (problem.status >= 500) {
      if (onFault === undefined) print(cause);
      // `report` hands on whatever it is given.
      else report(onFault as (fault: unknown) => void, { requestId, cause });
    }
    return problem;
  };
}
