import type { DenialCode } from './codes.ts';

/**
 * Why a call is denied, in thirteen words. The set is closed: each wire table is total over it, so every
 * denial has one status in every protocol.
 */
export type DenialKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'gone'
  | 'too_large'
  | 'unsupported'
  | 'timeout'
  | 'rate_limited'
  | 'unavailable'
  | 'upstream'
  | 'internal';

/** One challenge of `WWW-Authenticate` (RFC 9110 §11.6.1) as data; serialised in `wire/http`. */
export interface Challenge {
  readonly scheme: string;
  readonly params?: Readonly<Record<string, string>>;
}

/** Extra members of a denial's problem details (RFC 9457 §3), safe to show to the caller. */
export interface Problem {
  /** URI of the problem type. Default: `about:blank`. */
  readonly type?: string;
  readonly title?: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A denial as a value. Everything but `cause` may reach the caller. */
export interface Denial {
  readonly kind: DenialKind;
  /** Stable and machine-readable: `area.problem`. The built-in ones are listed in `codes.ts`. */
  readonly code: string;
  /** One sentence for the caller's developer. Never holds input, secrets or internals. */
  readonly detail?: string | undefined;
  readonly challenges?: readonly Challenge[] | undefined;
  /** The time until a retry can succeed. */
  readonly retryAfterMs?: number | undefined;
  readonly problem?: Problem | undefined;
  /**
   * For a call that goes on without its handler: HTTP adapters answer this status and no body (a CORS preflight), or
   * send the caller to `location`, which the policy has checked (a page that needs a login: 303; the same call over
   * https: 308). Other protocols, and adapters that do not know it, deny.
   */
  readonly answer?:
    | { readonly status: 204 }
    | { readonly status: 303 | 308; readonly location: string }
    | undefined;
  /** For logs only; adapters never render it. */
  readonly cause?: unknown;
}

const kinds: Readonly<Record<DenialKind, true>> = {
  malformed: true,
  unauthenticated: true,
  forbidden: true,
  not_found: true,
  method_not_allowed: true,
  gone: true,
  too_large: true,
  unsupported: true,
  timeout: true,
  rate_limited: true,
  unavailable: true,
  upstream: true,
  internal: true,
};

/** True for a value that has the shape of a {@link Denial}; anything else is no denial but a fault. */
export function isDenial(value: unknown): value is Denial {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, code } = value as { kind?: unknown; code?: unknown };
  return typeof kind === 'string' && Object.hasOwn(kinds, kind) && typeof code === 'string';
}

/** Makes a denial that the engine itself gives: a fault of the server, closed. */
export function fault(code: DenialCode, cause?: unknown): Denial {
  return { kind: 'internal', code, cause };
}
