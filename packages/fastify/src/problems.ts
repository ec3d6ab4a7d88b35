import { BODY_HEADERS, type ProblemAnswerOptions, problemAnswers } from '@apisec/core/host';
import {
  type ClientErrorListener,
  type ClientErrorsOptions,
  clientErrors,
  nodeRequestId,
  type ProxyTrust,
} from '@apisec/node';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Options of {@link problems}. */
export interface ProblemsOptions
  extends ProblemAnswerOptions,
    Pick<ClientErrorsOptions, 'logDenials' | 'onClientError'> {
  /** As for `secure`: whom to believe about `X-Request-Id`. */
  readonly trust?: ProxyTrust | undefined;
}

/** A plugin, and what Fastify accepts only when it is created; made by {@link problems}. */
export interface Problems {
  (instance: object, options: object, done: () => void): void;
  /** What the router denies before any hook: a path that is not URL-encoded, a parameter that is too long. */
  readonly frameworkErrors: (
    cause: FastifyError,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => void;
  /** What Node's parser denies before Fastify, for its option of that name; see `clientErrors` of `@apisec/node`. */
  readonly clientErrorHandler: ClientErrorListener;
}

/**
 * A plugin that answers what no route serves, and what handlers, parsers and validators threw, with problem details
 * (RFC 9457), as guards answer denials: status, code and an id that `onFault` gets too, never a message or a stack. An
 * error keeps its `statusCode` from 400 to 599; everything else is 500.
 *
 * Register it behind `secure`, so that the guard decides unknown paths as well. Fastify answers what its router denies
 * by itself, with the path in it, unless `frameworkErrors` is given to it; what Node does not read, unless
 * `clientErrorHandler` is.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * const answers = problems({ problemTypeBase: 'https://api.example.com/problems/' });
 * const { frameworkErrors, clientErrorHandler } = answers;
 * const app = fastify({ frameworkErrors, clientErrorHandler });
 * await app.register(secure(orders));
 * await app.register(answers);
 */
export function problems(options: ProblemsOptions = {}): Problems {
  const { trust, problemTypeBase, insecureVerbose, logDenials, onClientError } = options;
  const problemOf = problemAnswers('@apisec/fastify', options, [
    'trust',
    'logDenials',
    'onClientError',
  ]);
  const answer = (request: FastifyRequest, reply: FastifyReply, cause: unknown): void => {
    const { status, headers, body } = problemOf(cause, nodeRequestId(request.raw, trust));
    reply.code(status);
    for (const name of BODY_HEADERS) reply.removeHeader(name);
    for (const [name, value] of headers) reply.header(name, value);
    reply.send(body);
  };
  const plugin = (instance: object, _options: object, done: () => void): void => {
    // Fastify's instance type has four parameters, none of which matters here.
    const app = instance as FastifyInstance;
    app.setErrorHandler((cause, request, reply) => answer(request, reply, cause));
    app.setNotFoundHandler((request, reply) => answer(request, reply, { status: 404 }));
    done();
  };
  return Object.assign(plugin, {
    frameworkErrors: (cause: FastifyError, request: FastifyRequest, reply: FastifyReply): void =>
      answer(request, reply, cause),
    clientErrorHandler: clientErrors({
      problemTypeBase,
      insecureVerbose,
      logDenials,
      onClientError,
    }),
    // As fastify-plugin does: the handlers belong to the context that registers them.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@apisec/fastify problems',
  });
}
