import type { Denial, DenialKind } from '@apisec/core';
import type { DenialCode } from '@apisec/core/host';

/** What a safe fetch rejects with, as `fetch` rejects with a `TypeError`. */
export interface EgressError extends TypeError {
  /** For example `egress.address_not_allowed`; all are listed in `codes` of `@apisec/core/host`. */
  readonly code: string;
  /** To answer your own caller with, or to log. Its `cause` is for logs only. */
  readonly denial: Denial;
}

/** Whether an error is one that a safe fetch made, and so has a code. */
export function isEgressError(error: unknown): error is EgressError {
  return error instanceof TypeError && made.has(error);
}

/** Only what was made here counts, so that an upstream cannot send an error that looks like one. */
const made = new WeakSet<TypeError>();

export function denialError(denial: Denial): EgressError {
  const error = new TypeError(`${denial.code}: ${denial.detail ?? 'the call was not made.'}`, {
    cause: denial.cause,
  });
  made.add(error);
  return Object.assign(error, { code: denial.code, denial });
}

export function egressError(
  kind: DenialKind,
  code: DenialCode,
  detail: string,
  cause?: unknown,
): EgressError {
  return denialError({ kind, code, detail, cause });
}

/** What is wrong with the other side is `upstream` (502), whatever it is. */
export function upstreamError(code: DenialCode, detail: string, cause?: unknown): EgressError {
  return egressError('upstream', code, detail, cause);
}
