/*
 * Every code that apisec itself gives. Codes are part of the public contract: a new one
 * is a minor version, a changed or removed one a major version. Your own policies add their own.
 */
const meanings = {
  // engine
  'policy.threw': 'A policy threw or rejected. The call is refused; the cause is in the trace.',
  'policy.invalid_outcome': 'A policy answered something that is no outcome.',
  'policy.fact_conflict': 'A policy added a fact that is already there.',
  'policy.no_grant':
    'Every policy passed, but none of them is a grant, so nobody admitted the call.',
  'policy.not_applicable': 'No alternative applied to this call.',
  'operation.unlisted': 'The operation is not listed in the coverage table.',
  'message.unavailable': 'A policy must see the request body, and none was parsed.',
  'message.malformed': 'The request body is not well-formed JSON.',
  'message.too_large': 'The request body is larger than allowed.',
  'release.unfilterable':
    'A policy must see the response, and it was sent in a form that cannot be filtered.',
  'handler.threw': 'The handler threw. The cause went to onError.',
  // http surface
  'cors.preflight': 'A preflight, answered with what the origin may do.',
  'cors.origin_refused': 'The origin of the calling script is not allowed.',
  'cors.method_refused': 'The preflight asks for a method that is not allowed.',
  'cors.header_refused': 'The preflight asks for a request header that is not allowed.',
  'csrf.cross_origin': 'A browser sent a state-changing call on behalf of another origin.',
  // grants
  'principal.missing': 'The operation needs an identified caller, and nobody was identified.',
  'role.insufficient': 'The caller has none of the roles that the operation needs.',
  'scope.insufficient': 'The credential lacks a scope that the operation needs.',
  // limits
  'limit.exceeded': 'A limit is used up. The call can succeed after retryAfter.',
  'limit.cost_too_high': 'The call costs more than a limit ever allows at once.',
  'limit.key_missing': 'A limit could not tell whom to count, so the call is refused.',
  'limit.cost_invalid': 'A cost function answered something that is no cost.',
  'limit.unavailable': 'The store that counts limits did not answer.',
} as const;

/** A built-in code. */
export type BuiltinCode = keyof typeof meanings;

/** Each built-in code with its meaning. */
export const codes: Readonly<Record<BuiltinCode, string>> = Object.freeze(meanings);

/** A built-in code, or one of your own in the form `area.problem`. */
export type DenialCode = BuiltinCode | (string & Record<never, never>);
