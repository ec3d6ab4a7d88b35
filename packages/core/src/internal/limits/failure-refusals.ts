import type { BodyOutcome } from '../../obligations.ts';
import { type Deny, deny } from '../../outcome.ts';
import { sharedRefusal } from '../shared-refusal.ts';
import { ABNORMAL_USAGE_DETECTED, TEMPORARY_REDUCED_CAPACITY } from './problem-types.ts';

/** Nobody knows the peer. */
export const KEY_MISSING: Deny = sharedRefusal({ kind: 'internal', code: 'failures.key_missing' });
export const ACCOUNT_MISSING: Deny = sharedRefusal({
  kind: 'malformed',
  code: 'failures.account_missing',
  detail: 'The call does not say which account it is for.',
});
export const REPEATED: Deny = sharedRefusal({
  kind: 'malformed',
  code: 'failures.repeated',
  detail: 'One call can make one attempt.',
});

/** Refuses during a pause; `wait` is what is left of it, in milliseconds. */
export function throttled(wait: number): Deny {
  return deny('rate_limited', 'failures.throttled', {
    detail: 'Too many failed attempts.',
    retryAfter: wait / 1000,
    problem: { type: ABNORMAL_USAGE_DETECTED },
  });
}

/** Refuses where nothing could be counted. */
export function uncountable(cause: unknown): Deny {
  return deny('unavailable', 'failures.unavailable', {
    retryAfter: 1,
    problem: { type: TEMPORARY_REDUCED_CAPACITY },
    cause,
  });
}

/** The same of a body. */
export function refusedBody({ denial }: Deny): BodyOutcome {
  return { ok: false, denial };
}
