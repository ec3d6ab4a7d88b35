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
 * status, code and an id that `onFault` gets too, never a message or a stack. An `HTTPException` keeps its status and
 * loses its message; a response that it holds is sent as it is. A body that `c.req` could not read for the handler
 * is the caller's fault: 400 if it is neither JSON nor a form, 415 if it does not say that it is a form.
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
    onError: async (cause, c) => {
      // The handler has written that response itself.
      const { res } = cause as { readonly res?: Response };
      if (res instanceof Response) return res;
      const status = await unreadable(c, cause);
      return answer(c, status === undefined ? cause : { status });
    },
  });
}

const FORM = /^(?:multipart\/form-data|application\/x-www-form-urlencoded)\s*(?:;|$)/i;
/** Runtimes say so to a handler that reads a body a second time, past `c.req`. */
const READ_TWICE = /unusable|already|disturbed|locked/i;

/**
 * The status of an error that `c.req` threw since it could not read the body; undefined for any other. What it has
 * read it keeps: its own errors are told by that from those of the handler.
 */
async function unreadable({ req }: Context, cause: unknown): Promise<number | undefined> {
  const { text, formData } = req.bodyCache;
  if (cause instanceof SyntaxError && text !== undefined) {
    return isJson(await Promise.resolve(text).catch(() => undefined)) ? undefined : 400;
  }
  if (formData === undefined) return undefined;
  const failed = await Promise.resolve(formData).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failed !== cause || READ_TWICE.test(String(cause))) return undefined;
  return FORM.test(req.header('content-type') ?? '') ? 400 : 415;
}

function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? '');
    return true;
  } catch {
    return false;
  }
}
