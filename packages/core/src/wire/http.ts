import type { Challenge, Denial, DenialKind } from '../engine/denial.ts';
import { isToken } from '../lib/header-syntax.ts';

/** The HTTP status of each kind of denial (RFC 9110 §15, RFC 6585 §4). */
export const httpStatus: Readonly<Record<DenialKind, number>> = Object.freeze({
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  gone: 410,
  too_large: 413,
  unsupported: 415,
  rate_limited: 429,
  internal: 500,
  upstream: 502,
  unavailable: 503,
});

const titles: Readonly<Record<DenialKind, string>> = {
  malformed: 'Bad Request',
  unauthenticated: 'Unauthorized',
  forbidden: 'Forbidden',
  not_found: 'Not Found',
  method_not_allowed: 'Method Not Allowed',
  timeout: 'Request Timeout',
  gone: 'Gone',
  too_large: 'Content Too Large',
  unsupported: 'Unsupported Media Type',
  rate_limited: 'Too Many Requests',
  internal: 'Internal Server Error',
  upstream: 'Bad Gateway',
  unavailable: 'Service Unavailable',
};

/** To wait where a fault of infrastructure names no time. */
const UNAVAILABLE_RETRY_MS = 5_000;
/** The largest delay that every client can read (31 bits of seconds). */
const MAX_RETRY_MS = 2_147_483_647_000;

/** A denial as an HTTP response. */
export interface HttpDenial {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Problem details (RFC 9457) as JSON; undefined where the answer has no body. */
  readonly body: string | undefined;
}

/** What an answer says of itself, beside what went wrong. */
export interface ProblemRendering {
  /** `type` is this URL with the code behind it, where the denial names no type of its own. Default: `about:blank`. */
  readonly typeBase?: string | undefined;
  /** The id of the call, for `X-Request-Id` and the member `requestId`. */
  readonly requestId?: string | undefined;
}

/** The problem type of a code. */
export function typeOf(code: string, { typeBase }: ProblemRendering): string {
  return typeBase === undefined ? 'about:blank' : `${typeBase}${encodeURIComponent(code)}`;
}

/** The headers that tell of the call itself. */
export function renderingHeaders({ requestId }: ProblemRendering): readonly [string, string][] {
  return requestId === undefined ? [] : [['x-request-id', requestId]];
}

/** Renders a denial: status, `WWW-Authenticate`, `Retry-After`, problem details. Never its cause. */
export function httpDenial(denial: Denial, rendering: ProblemRendering = {}): HttpDenial {
  const { answer } = denial;
  if (answer?.status === 303 || answer?.status === 308) {
    const headers = [
      ['location', answer.location],
      ['cache-control', 'no-store'],
    ] as const;
    return { status: answer.status, headers, body: undefined };
  }
  if (answer) return { status: 204, headers: [], body: undefined };
  const status = httpStatus[denial.kind];
  const headers: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
    ...renderingHeaders(rendering),
  ];
  const challenges = challengesOf(denial);
  if (challenges.length > 0) headers.push(['www-authenticate', serializeChallenges(challenges)]);
  const retryAfter = retryAfterOf(denial);
  if (retryAfter !== undefined) headers.push(['retry-after', String(retryAfter)]);
  const { type, title } = denial.problem ?? {};
  const { code } = denial;
  const problem = {
    ...extensionsOf(denial),
    type: textOf(type) ?? typeOf(code, rendering),
    title: textOf(title) ?? titles[denial.kind],
    status,
    detail: textOf(denial.detail),
    code,
    requestId: rendering.requestId,
  };
  return { status, headers, body: JSON.stringify(problem) };
}

/** What a policy without types put where text belongs must not break the answer. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The extra members of a denial; none where they cannot be written as JSON. */
export function extensionsOf({ problem }: Denial): Readonly<Record<string, unknown>> | undefined {
  try {
    // Read once: what answers differently the next time must not break the answer.
    const text = JSON.stringify(problem?.extensions);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

/** The challenges to send; a 401 always has one (RFC 9110 §15.5.2). */
export function challengesOf({ challenges = [], kind }: Denial): readonly Challenge[] {
  const sendable = challenges.filter(({ scheme }) => isToken(scheme));
  return sendable.length === 0 && kind === 'unauthenticated' ? [{ scheme: 'Bearer' }] : sendable;
}

/** Whole seconds until a retry, at least one; undefined where a retry is of no use. */
export function retryAfterOf(denial: Denial): number | undefined {
  const wait = retryAfterMsOf(denial);
  return wait === undefined ? undefined : Math.max(1, Math.ceil(wait / 1_000));
}

/** The same in whole milliseconds, for protocols that can say it. */
export function retryAfterMsOf(denial: Denial): number | undefined {
  const wait =
    denial.retryAfterMs ?? (denial.kind === 'unavailable' ? UNAVAILABLE_RETRY_MS : undefined);
  return wait !== undefined && Number.isFinite(wait)
    ? // Less a nanosecond, which is more than rounding can add.
      Math.min(Math.max(1, Math.ceil(wait - 1e-6)), MAX_RETRY_MS)
    : undefined;
}

/** The value of `WWW-Authenticate` (RFC 9110 §11.6.1): scheme, then quoted parameters. */
export function serializeChallenges(challenges: readonly Challenge[]): string {
  return challenges
    .map(({ scheme, params = {} }) => {
      const list = Object.entries(params)
        .filter(([name, value]) => isToken(name) && typeof value === 'string')
        .map(([name, value]) => `${name}="${quotable(value)}"`);
      return list.length > 0 ? `${scheme} ${list.join(', ')}` : scheme;
    })
    .join(', ');
}

/** RFC 6750 §3 allows neither quotes nor backslashes inside; anything else unprintable goes as well. */
function quotable(value: string): string {
  return value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '');
}
