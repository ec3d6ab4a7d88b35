import { admit } from './carriers.ts';
import { assertAdmission } from './coverage.ts';
import type { HttpFacts, Peer } from './facts.ts';
import { assertBodyLimit, type FetchOptions, guardFetch } from './fetch.ts';
import type { Admission } from './guard.ts';
import { UNKNOWN_PEER } from './peer.ts';
import { pathOf } from './request.ts';

/** Options of {@link protect}. */
export interface ProtectOptions<Rest extends readonly unknown[]>
  extends Pick<FetchOptions, 'maxBodyBytes'> {
  /** The operation that a request means, for `coverage`. Default: `METHOD /path`. */
  readonly operation?: ((request: Request) => string) | undefined;
  /** Who is at the other end, from what your runtime attests. Default: unknown. */
  readonly peer?: ((request: Request, ...rest: Rest) => Peer) | undefined;
  /**
   * Told what the handler, an `onComplete` or one of these options threw; the caller gets a plain 500.
   * Without it an error of the handler is thrown on, for the runtime to report.
   */
  readonly onError?: ((cause: unknown) => void) | undefined;
}

/**
 * A fetch-style handler behind a guard: for Cloudflare Workers, Deno, Bun and every other runtime that
 * serves `(request) => Response`. Arguments after the request (env, context) are handed on.
 *
 * @throws ConfigurationError when the guard has no grant, or `maxBodyBytes` is no number of bytes.
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
  const { operation = defaultOperation, peer, maxBodyBytes, onError } = options;
  assertBodyLimit(maxBodyBytes, 'protect');
  return async (request, ...rest) => {
    const { response } = await guardFetch<Facts>(
      {
        admission,
        attest: () => ({
          view: request,
          facts: {
            call: { protocol: 'http', operation: operation(request) },
            peer: peer ? peer(request, ...rest) : UNKNOWN_PEER,
          },
        }),
        request: () => request,
        handle: (decision, inspected = request) => {
          admit(inspected, decision);
          return handler(inspected, decision.facts, ...rest);
        },
      },
      { maxBodyBytes, onFault: onError, rethrow: onError === undefined },
    );
    return response;
  };
}

function defaultOperation(request: Request): string {
  return `${request.method} ${pathOf(request)}`;
}
