import type { Denial } from '../engine/denial.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  assertProblemOptions,
  errorProblem,
  PROBLEM_OPTIONS,
  type ProblemOptions,
} from '../wire/problems.ts';
import { denialResponse, problemResponse } from './denial-response.ts';

/** Answers with problem types and the id of the call; made by {@link fetchProblems}. */
export interface FetchProblems {
  readonly denied: (denial: Denial, requestId: string | undefined) => Response;
  readonly failed: (cause: unknown, requestId: string | undefined) => Response;
}

const NAME = 'fetchProblems';

/**
 * For the option `problems` of `protect`: denials name their problem type and the id of the call, and what the handler
 * throws is answered with problem details as well: an error keeps its `status` from 400 to 599.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * protect(orders, handler, {
 *   problems: fetchProblems({ problemTypeBase: 'https://api.example.com/problems/' }),
 * })
 */
export function fetchProblems(options: ProblemOptions = {}): FetchProblems {
  assertKnownOptions(NAME, options, PROBLEM_OPTIONS);
  assertProblemOptions(NAME, options);
  const { problemTypeBase: typeBase, insecureVerbose: verbose } = options;
  return Object.freeze({
    denied: (denial, requestId) => denialResponse(denial, { typeBase, requestId }),
    failed: (cause, requestId) =>
      problemResponse(errorProblem(cause, { typeBase, requestId, verbose })),
  } satisfies FetchProblems);
}
