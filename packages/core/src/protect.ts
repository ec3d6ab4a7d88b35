import { admit } from './carriers.ts';
import { assertAdmission } from './coverage.ts';
import type { Decision } from './decision.ts';
import type { Denial } from './denial.ts';
import { type Enforcement, enforce } from './enforce.ts';
import type { HttpFacts, Peer } from './facts.ts';
import { inspectRequest, refusalResponse, releaseResponse } from './fetch.ts';
import type { Admission } from './guard.ts';
import { UNKNOWN_PEER } from './peer.ts';
import { pathOf } from './request.ts';

/** Options of {@link protect}. */
export interface ProtectOptions<Rest extends readonly unknown[]> {
  /** The operation that a request means, for `coverage`. Default: `METHOD /path`. */
  readonly operation?: (request: Request) => string;
  /** Who is at the other end, from what your runtime attests. Default: unknown. */
  readonly peer?: (request: Request, ...rest: Rest) => Peer;
  /** The largest JSON body that is read for policies that ask to see it, in bytes. Default: 1 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * Told what the handler (or an `onComplete`) threw; the caller gets a plain 500. Without it an error of
   * the handler is thrown on, for the runtime to report.
   */
  readonly onError?: (cause: unknown) => void;
}

const DEFAULT_MAX_BODY_BYTES = 1_048_576;

/**
 * A fetch-style handler behind a guard: for Cloudflare Workers, Deno, Bun and every other runtime that
 * serves `(request) => Response`. Arguments after the request (env, context) are handed on.
 *
 * @throws ConfigurationError when the guard has no grant.
 * @example
 * export default {
 *   fetch: protect(orders, (request, facts) => Response.json({ hello: facts.principal.subject })),
 * };
 */
export function protect<Facts extends object, Rest extends readonly unknown[]>(
  admission: Admission<HttpFacts, Facts>,
  handler: (
    request: Request,
    facts: Readonly<Facts>,
    ...rest: Rest
  ) => Response | Promise<Response>,
  options: ProtectOptions<Rest> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  assertAdmission(admission, 'protect');
  const { operation, peer, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, onError } = options;
  return async (request, ...rest) => {
    const decision = await admission.check(request, {
      call: {
        protocol: 'http',
        operation: operation ? operation(request) : `${request.method} ${pathOf(request)}`,
      },
      peer: peer ? peer(request, ...rest) : UNKNOWN_PEER,
    });
    const duty = enforce(decision, onError);
    try {
      const { response, denial } = await serve(
        decision,
        duty,
        request,
        maxBodyBytes,
        (admitted, facts) => handler(admitted, facts, ...rest),
      );
      duty.complete({ outcome: denial ? 'refused' : 'succeeded', status: response.status, denial });
      return withHeaders(duty, response);
    } catch (cause) {
      duty.complete({ outcome: 'failed', status: 500 });
      if (onError === undefined) throw cause;
      onError(cause);
      return withHeaders(duty, refusalResponse({ kind: 'internal', code: 'handler.threw' }));
    }
  };
}

async function serve<Facts extends object>(
  decision: Decision<Facts>,
  { onMessage, onRelease }: Enforcement,
  request: Request,
  maxBodyBytes: number,
  handler: (request: Request, facts: Readonly<Facts>) => Response | Promise<Response>,
): Promise<{ readonly response: Response; readonly denial?: Denial }> {
  if (!decision.allowed) return refused(decision.denial);
  let admitted = request;
  if (onMessage) {
    const inspected = await inspectRequest(onMessage, request, maxBodyBytes);
    if (!inspected.ok) return refused(inspected.denial);
    admitted = inspected.request;
  }
  admit(admitted, decision);
  const response = await handler(admitted, decision.facts);
  return onRelease ? releaseResponse(onRelease, response) : { response };
}

function refused(denial: Denial): { readonly response: Response; readonly denial: Denial } {
  return { response: refusalResponse(denial), denial };
}

/** A handler's response may have immutable headers (one from `fetch` has), so they are copied. */
function withHeaders({ applyHeaders }: Enforcement, response: Response): Response {
  const own = response.headers;
  const headers = new Headers(own);
  applyHeaders({
    set: (name, value) => own.has(name) || headers.set(name, value),
    append: (name, value) => headers.append(name, value),
    delete: (name) => headers.delete(name),
  });
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
