import {
  BODY_HEADERS,
  type ProblemAnswerOptions,
  problemAnswers,
  problemResponse,
} from '@apisec/core/host';
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { idOf } from './secure.ts';

/** Options of {@link problems}. */
export interface ProblemsOptions extends ProblemAnswerOptions {
  /** The id of a call, as your platform or a trusted proxy gives it. Default: a new one. */
  readonly requestId?: ((c: Context) => string | undefined) | undefined;
}

/** Handlers that answer with problem details; made by {@link problems}. */
export interface Problems {
  readonly notFound: NotFoundHandler;
  readonly onError: ErrorHandler;
}

/**
 * Answers what no route served and what handlers threw with problem details (RFC 9457), as guards answer denials:
 * status, code and an id that `onFault` hears too, never a message or a stack. An `HTTPException` keeps its status and
 * loses its message; a response that stands in it is sent as it is.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * const { notFound, onError } = problems({ problemTypeBase: 'https://api.example.com/problems/' });
 * app.notFound(notFound).onError(onError);
 */
export function problems(options: ProblemsOptions = {}): Problems {
  const problemOf = problemAnswers('@apisec/hono', options, ['requestId']);
  const answer = (c: Context, cause: unknown): Response => {
    const problem = problemOf(cause, idOf(c, options.requestId));
    // Hono puts the headers of the response that is there on the one that takes its place.
    for (const name of BODY_HEADERS) if (c.res.headers.has(name)) c.header(name, undefined);
    return problemResponse(problem);
  };
  return Object.freeze<Problems>({
    notFound: (c) => answer(c, { status: 404 }),
    onError: (cause, c) => {
      // The handler has written that response itself.
      const { res } = cause as { readonly res?: Response };
      return res instanceof Response ? res : answer(c, cause);
    },
  });
}
