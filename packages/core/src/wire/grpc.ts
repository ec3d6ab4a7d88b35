import type { Denial, DenialKind } from '../engine/denial.ts';
import { challengesOf, retryAfterMsOf, retryAfterOf, serializeChallenges } from './http.ts';

/** The gRPC status code of each kind of denial (google.rpc.Code). */
export const grpcCode: Readonly<Record<DenialKind, number>> = Object.freeze({
  malformed: 3, // INVALID_ARGUMENT
  unauthenticated: 16, // UNAUTHENTICATED
  forbidden: 7, // PERMISSION_DENIED
  not_found: 5, // NOT_FOUND
  method_not_allowed: 12, // UNIMPLEMENTED
  timeout: 4, // DEADLINE_EXCEEDED
  gone: 5, // NOT_FOUND
  too_large: 8, // RESOURCE_EXHAUSTED, as gRPC itself answers oversized messages
  unsupported: 3, // INVALID_ARGUMENT
  rate_limited: 8, // RESOURCE_EXHAUSTED
  internal: 13, // INTERNAL
  upstream: 14, // UNAVAILABLE
  unavailable: 14, // UNAVAILABLE
});

/** One field that is at fault, and why. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** Trailers beyond 8 kB do not reach every client. */
const MAX_VIOLATIONS = 20;
const MAX_TEXT = 100;

/** A denial as a gRPC status, free of any gRPC library. */
export interface GrpcDenial {
  readonly code: number;
  /** The status message, printable ASCII. */
  readonly message: string;
  /** `google.rpc.ErrorInfo`: reason is the denial's code. */
  readonly errorInfo: { readonly reason: string; readonly domain: string };
  /** `google.rpc.RetryInfo`. */
  readonly retryAfterMs: number | undefined;
  /** `google.rpc.QuotaFailure`: the limits that were exceeded, by name. */
  readonly violated: readonly string[];
  /** `google.rpc.BadRequest`: the fields of the message that are at fault. */
  readonly fieldViolations: readonly FieldViolation[];
  /** `google.rpc.Help`: where the problem type is described. */
  readonly helpUrl: string | undefined;
  /** Trailing metadata. */
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

/** Renders a denial as a gRPC status. Never its cause. */
export function grpcDenial(denial: Denial): GrpcDenial {
  const challenges = challengesOf(denial);
  const retryAfter = retryAfterOf(denial);
  const metadata: [string, string][] = [];
  if (challenges.length > 0) metadata.push(['www-authenticate', serializeChallenges(challenges)]);
  if (retryAfter !== undefined) metadata.push(['retry-after', String(retryAfter)]);
  return {
    code: grpcCode[denial.kind],
    message: (denial.detail ?? denial.code).replace(/[^\x20-\x7e]/g, ' '),
    errorInfo: { reason: denial.code, domain: 'apisec' },
    retryAfterMs: retryAfterMsOf(denial),
    violated: violatedPolicies(denial),
    fieldViolations: fieldViolations(denial),
    helpUrl: helpUrl(denial),
    metadata,
  };
}

/** The member of that name in draft-ietf-httpapi-ratelimit-headers-10, as far as it is one. */
function violatedPolicies({ problem }: Denial): readonly string[] {
  const names = problem?.extensions?.['violated-policies'];
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

/** The member `errors` of a problem, as RFC 9457 §3 shows it: a pointer (or a field, or a path) and a detail each. */
function fieldViolations({ problem }: Denial): readonly FieldViolation[] {
  const errors = problem?.extensions?.['errors'];
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, MAX_VIOLATIONS).flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null) return [];
    const { pointer, field, path, detail, message } = error as Readonly<Record<string, unknown>>;
    const name = fieldName(pointer ?? field ?? path);
    const description = detail ?? message ?? '';
    return name === undefined || typeof description !== 'string'
      ? []
      : [{ field: name.slice(0, MAX_TEXT), description: description.slice(0, MAX_TEXT) }];
  });
}

/** `#/items/0/amount` is `items.0.amount`. */
function fieldName(name: unknown): string | undefined {
  if (Array.isArray(name)) return name.every(isKey) ? name.join('.') : undefined;
  if (typeof name !== 'string') return undefined;
  return name.startsWith('/') || name.startsWith('#/')
    ? name.replace(/^#?\//, '').replaceAll('/', '.')
    : name;
}

function isKey(key: unknown): key is string | number {
  return typeof key === 'string' || typeof key === 'number';
}

function helpUrl({ problem }: Denial): string | undefined {
  const type = problem?.type;
  return type?.startsWith('https://') === true ? type : undefined;
}
