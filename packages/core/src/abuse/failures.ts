import type { FailureRule } from '../contracts/counter-store.ts';
import type { BodyOutcome } from '../engine/obligations.ts';
import { type Deny, deny, sharedDenial } from '../engine/outcome.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { ABNORMAL_USAGE_DETECTED, TEMPORARY_REDUCED_CAPACITY } from '../limits/problem-types.ts';

/** How failures in a row slow down whoever makes them. All times in milliseconds. */
export interface FailureSchedule {
  /** Failures without a pause. */
  readonly free?: number | undefined;
  /** The first pause; each failure doubles it. Default: 1,000. */
  readonly delay?: number | undefined;
  /** Default: 60,000. */
  readonly maxDelay?: number | undefined;
  /** From `after` failures on, each one locks for `duration`. Default duration: 900,000. */
  readonly lock?: { readonly after: number; readonly duration?: number | undefined } | undefined;
  /** Time without a failure after which all of them are forgotten. Default: 86,400,000. */
  readonly forgetAfter?: number | undefined;
}

/** A week: failures that are kept for longer punish people who have long changed. */
const LONGEST = 604_800_000;
const MOST_FAILURES = 1_000_000;

/** Checks a schedule and completes it. */
export function failureRule(
  policy: string,
  defaults: { readonly free: number; readonly after: number },
  schedule: FailureSchedule = {},
): FailureRule {
  const { free = defaults.free, delay = 1_000, maxDelay = Math.max(delay, 60_000) } = schedule;
  const { after, duration = 900_000 } = schedule.lock ?? {
    after: Math.max(free + 1, defaults.after),
  };
  const { forgetAfter = 86_400_000 } = schedule;
  assertConfiguration(
    Number.isInteger(free) && free >= 0 && Number.isInteger(after) && after <= MOST_FAILURES,
    `${policy}: free and lock.after must be whole numbers of failures.`,
  );
  assertConfiguration(
    after > free,
    `${policy}: lock.after must be above free, or nothing would be free.`,
  );
  assertConfiguration(
    delay >= 1 && maxDelay >= delay && duration >= maxDelay,
    `${policy}: pauses are milliseconds that grow: 1 <= delay <= maxDelay <= lock.duration.`,
  );
  assertConfiguration(
    forgetAfter >= duration && forgetAfter <= LONGEST,
    `${policy}: forgetAfter must be milliseconds from lock.duration, which would end early, to a week.`,
  );
  return Object.freeze({ free, delay, maxDelay, lockAfter: after, lockFor: duration, forgetAfter });
}

/** Nobody knows the peer. */
export const KEY_MISSING: Deny = sharedDenial({ kind: 'internal', code: 'failures.key_missing' });
export const ACCOUNT_MISSING: Deny = sharedDenial({
  kind: 'malformed',
  code: 'failures.account_missing',
  detail: 'The call does not say which account it is for.',
});
export const REPEATED: Deny = sharedDenial({
  kind: 'malformed',
  code: 'failures.repeated',
  detail: 'One call can make one attempt.',
});

/** Denies during a pause; `wait` is what is left of it, in milliseconds. */
export function throttled(wait: number): Deny {
  return deny('rate_limited', 'failures.throttled', {
    detail: 'Too many failed attempts.',
    retryAfter: wait / 1000,
    problem: { type: ABNORMAL_USAGE_DETECTED },
  });
}

/** Denies where nothing could be counted. */
export function uncountable(cause: unknown): Deny {
  return deny('unavailable', 'failures.unavailable', {
    retryAfter: 1,
    problem: { type: TEMPORARY_REDUCED_CAPACITY },
    cause,
  });
}

/** The same of a body. */
export function deniedBody({ denial }: Deny): BodyOutcome {
  return { ok: false, denial };
}

/** Shows the first message of a call to `judge`, and denies every later one unseen. */
export function oneMessage(
  judge: (message: unknown) => MaybePromise<BodyOutcome>,
): (message: unknown) => MaybePromise<BodyOutcome> {
  let seen = false;
  return (message) => {
    if (seen) return deniedBody(REPEATED);
    seen = true;
    return judge(message);
  };
}
