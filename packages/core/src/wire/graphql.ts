import type { Denial, DenialKind } from '../engine/denial.ts';
import { extensionsOf, retryAfterMsOf } from './http.ts';

/** `extensions.code` of each kind of denial, in the words that GraphQL servers already use. */
export const graphqlCode: Readonly<Record<DenialKind, string>> = Object.freeze({
  malformed: 'BAD_USER_INPUT',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'FORBIDDEN',
  not_found: 'NOT_FOUND',
  method_not_allowed: 'METHOD_NOT_ALLOWED',
  timeout: 'TIMEOUT',
  gone: 'GONE',
  too_large: 'PAYLOAD_TOO_LARGE',
  unsupported: 'UNSUPPORTED_MEDIA_TYPE',
  rate_limited: 'RATE_LIMITED',
  internal: 'INTERNAL_SERVER_ERROR',
  upstream: 'BAD_GATEWAY',
  unavailable: 'SERVICE_UNAVAILABLE',
});

/** A denial as the message and `extensions` of a GraphQL error. */
export interface GraphqlDenial {
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>> & {
    /** By kind, see {@link graphqlCode}. */
    readonly code: string;
    /** The denial's own code, for example `token.expired`. */
    readonly reason: string;
    /** Seconds, to the millisecond. */
    readonly retryAfter?: number;
  };
}

/** Renders a denial as a GraphQL error. Never its cause. */
export function graphqlDenial(denial: Denial): GraphqlDenial {
  const wait = retryAfterMsOf(denial);
  return {
    message: denial.detail ?? denial.code,
    extensions: {
      ...extensionsOf(denial),
      code: graphqlCode[denial.kind],
      reason: denial.code,
      ...(wait !== undefined && { retryAfter: wait / 1_000 }),
    },
  };
}
