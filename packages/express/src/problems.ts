import { type ProblemAnswerOptions, problemAnswers } from '@apisec/core/host';
import {
  type ClientErrorListener,
  type ClientErrorsOptions,
  clientErrors,
  dropBodyHeaders,
  nodeRequestId,
  type ProxyTrust,
} from '@apisec/node';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';

/** Options of {@link problems}. */
export interface ProblemsOptions
  extends ProblemAnswerOptions,
    Pick<ClientErrorsOptions, 'logDenials' | 'onClientError'> {
  /** As for `secure`: whom to believe about `X-Request-Id`. */
  readonly trust?: ProxyTrust | undefined;
}

/** Handlers that answer with problem details; made by {@link problems}. */
export interface Problems {
  /** For the end of all routes: 404, or 405 with `Allow` if a route of the application accepts another method. */
  readonly notFound: RequestHandler;
  /** For the very end: what handlers and parsers threw. */
  readonly onError: ErrorRequestHandler;
  /** For the event `clientError` of the server: what Node's parser denies before Express; see `clientErrors`. */
  readonly clientErrors: ClientErrorListener;
}

/**
 * Answers what no route served and what handlers or parsers threw with problem details (RFC 9457), as guards answer
 * denials: status, code and an id that `onFault` gets too, never a message or a stack. An error keeps its `status`
 * (or `statusCode`) from 400 to 599; everything else is 500.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * const { notFound, onError, clientErrors } = problems({ problemTypeBase: 'https://api.example.com/problems/' });
 * app.use(notFound);
 * app.use(onError);
 * app.listen(3000).on('clientError', clientErrors);
 */
export function problems(options: ProblemsOptions = {}): Problems {
  const { trust, problemTypeBase, insecureVerbose, logDenials, onClientError } = options;
  const problemOf = problemAnswers('@apisec/express', options, OWN_OPTIONS);
  const answer = (request: Request, response: Response, cause: unknown): void => {
    const { status, headers, body } = problemOf(cause, nodeRequestId(request, trust));
    if (response.headersSent) {
      // The caller must not take what has been sent for the whole.
      if (!response.writableEnded) response.destroy();
      return;
    }
    dropBodyHeaders(response);
    for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader('content-length', Buffer.byteLength(body ?? ''));
    response.statusCode = status;
    response.end(body);
  };
  return Object.freeze<Problems>({
    notFound: (request, response) => {
      const methods = methodsOf(request);
      answer(
        request,
        response,
        methods.length === 0
          ? { status: 404 }
          : { status: 405, headers: { allow: methods.join(', ') } },
      );
    },
    // Express knows error handlers by their four parameters.
    onError: (cause, request, response, _next) => answer(request, response, cause),
    clientErrors: clientErrors({ problemTypeBase, insecureVerbose, logDenials, onClientError }),
  });
}

const OWN_OPTIONS = ['trust', 'logDenials', 'onClientError'];

interface LayerLike {
  readonly route?: { readonly methods?: Readonly<Record<string, boolean>> };
  /** Answers true or false, or what it has found. */
  match?: (path: string) => unknown;
}

/** The methods that routes of the application itself have for this path; not those of routers within it. */
function methodsOf({ app, path }: Request): readonly string[] {
  // Express 4 has `_router`, and throws for `router`; Express 5 has that alone.
  const { _router: old } = app as unknown as { readonly _router?: { readonly stack?: unknown } };
  const { stack } =
    old ?? (app as unknown as { readonly router: { readonly stack?: unknown } }).router;
  const methods = new Set<string>();
  for (const layer of Array.isArray(stack) ? (stack as readonly LayerLike[]) : []) {
    if (layer.route?.methods === undefined || !layer.match?.(path)) continue;
    for (const [method, isTaken] of Object.entries(layer.route.methods)) {
      if (isTaken && method !== '_all') methods.add(method.toUpperCase());
    }
  }
  return [...methods];
}
