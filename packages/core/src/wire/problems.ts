import { assertConfiguration } from '../lib/configuration-error.ts';
import { isFieldValue } from '../lib/header-syntax.ts';
import { type HttpDenial, type ProblemRendering, renderingHeaders, typeOf } from './http.ts';

/** How errors become problem details. */
export interface ProblemOptions {
  /**
   * Where the pages of problem types are: `type` is this URL with the code behind it. Ends with `/` or `#`. Default:
   * `about:blank` for all.
   */
  readonly problemTypeBase?: string | undefined;
  /** Also tells callers the message and the stack of what was thrown. For development alone. Default: false. */
  readonly insecureVerbose?: boolean | undefined;
}

/** Names of these options. */
export const PROBLEM_OPTIONS: readonly string[] = ['problemTypeBase', 'insecureVerbose'];

/**
 * Does not construct with anything but options of problems.
 *
 * @throws ConfigurationError
 */
export function assertProblemOptions(where: string, options: ProblemOptions): void {
  const { problemTypeBase: base, insecureVerbose: verbose = false } = options;
  assertConfiguration(
    base === undefined || (/^https?:\/\/[!-~]+[/#]$/.test(base) && URL.canParse(base)),
    `${where}: problemTypeBase must be an absolute URL that ends with / or #, like 'https://api.example.com/problems/'.`,
  );
  assertConfiguration(
    typeof verbose === 'boolean',
    `${where}: insecureVerbose must be true or false.`,
  );
}

/** Status -> title and code, for statuses that frameworks answer by themselves. */
const KNOWN: Readonly<Record<number, readonly [title: string, code: string]>> = {
  400: ['Bad Request', 'http.bad_request'],
  401: ['Unauthorized', 'http.unauthenticated'],
  403: ['Forbidden', 'http.forbidden'],
  404: ['Not Found', 'http.not_found'],
  405: ['Method Not Allowed', 'http.method_not_allowed'],
  406: ['Not Acceptable', 'http.not_acceptable'],
  408: ['Request Timeout', 'message.timeout'],
  409: ['Conflict', 'http.conflict'],
  410: ['Gone', 'http.gone'],
  412: ['Precondition Failed', 'http.precondition_failed'],
  413: ['Content Too Large', 'message.too_large'],
  414: ['URI Too Long', 'http.target_too_long'],
  415: ['Unsupported Media Type', 'message.type_unsupported'],
  416: ['Range Not Satisfiable', 'http.range_not_satisfiable'],
  417: ['Expectation Failed', 'http.expectation_failed'],
  422: ['Unprocessable Content', 'http.unprocessable'],
  429: ['Too Many Requests', 'http.too_many_requests'],
  431: ['Request Header Fields Too Large', 'http.headers_too_large'],
  502: ['Bad Gateway', 'upstream.failed'],
  503: ['Service Unavailable', 'http.unavailable'],
};
const PASSED_ON = ['allow', 'retry-after', 'www-authenticate'];

/**
 * What a caller may learn of an error that is not a denial: its status, where the framework or the handler gave it one
 * (`status` or `statusCode`, 400 to 599), and a code. Never its message or stack, unless `verbose`. 401 has a
 * challenge.
 */
export function errorProblem(
  cause: unknown,
  rendering: ProblemRendering & { readonly verbose?: boolean | undefined } = {},
): HttpDenial {
  const { status, headers: own, message, stack } = readError(cause);
  const [title, code] = KNOWN[status] ?? [
    status < 500 ? 'Client Error' : 'Internal Server Error',
    status < 500 ? 'http.failed' : 'handler.threw',
  ];
  const headers: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
    ...renderingHeaders(rendering),
  ];
  for (const name of PASSED_ON) {
    const value =
      own.get(name) ?? (name === 'www-authenticate' && status === 401 ? 'Bearer' : undefined);
    if (isFieldValue(value)) headers.push([name, value]);
  }
  const problem = {
    type: typeOf(code, rendering),
    title,
    status,
    code,
    requestId: rendering.requestId,
    ...(rendering.verbose === true && { detail: message, stack: stack?.split('\n') }),
  };
  return { status, headers, body: JSON.stringify(problem) };
}

interface ErrorLike {
  readonly status: number;
  readonly headers: ReadonlyMap<string, unknown>;
  readonly message: string | undefined;
  readonly stack: string | undefined;
}

/** Whatever was thrown: getters that throw, and values that are not objects. */
function readError(cause: unknown): ErrorLike {
  const headers = new Map<string, unknown>();
  try {
    if (typeof cause === 'object' && cause !== null) {
      const error = cause as Readonly<Record<string, unknown>>;
      const { status, statusCode, message, stack } = error;
      for (const [name, value] of Object.entries(error['headers'] ?? {})) {
        headers.set(name.toLowerCase(), value);
      }
      const given = status ?? statusCode;
      const isStatus = Number.isInteger(given) && Number(given) >= 400 && Number(given) <= 599;
      return {
        status: isStatus ? Number(given) : 500,
        headers,
        message: textOf(message),
        stack: textOf(stack),
      };
    }
  } catch {
    // It tells nothing then.
  }
  return { status: 500, headers, message: undefined, stack: undefined };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
