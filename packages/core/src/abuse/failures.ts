import type { FailureRule } from '../contracts/counter-store.ts';
import type { BodyOutcome } from '../engine/obligations.ts';
import { type Deny, deny, sharedDenial } from '../engine/outcome.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { ABNORMAL_USAGE_DETECTED, TEMPORARY_REDUCED_CAPACITY } from '../limits/problem-types.ts';

/** How failures in a row slow down the caller. */
export interface FailureSchedule {
  /** Failures without a pause. */
  readonly free?: number | undefined;
  /** The first pause; each failure doubles it. Default: `1s`. */
  readonly delay?: Duration | undefined;
  /** The longest pause before the lock. Default: `1m`, or `delay` where that is longer. */
  readonly maxDelay?: Duration | undefined;
  /** From `after` failures on, each one locks for `duration`. Default duration: `15m`. */
  readonly lock?: { readonly after: number; readonly duration?: Duration | undefined } | undefined;
  /** Time without a failure after which all of them are forgotten, at most `7d`. Default: `1d`. */
  readonly forgetAfter?: Duration | undefined;
}

/** Keeping failures for longer punishes people for mistakes of long ago. */
const LONGEST: Duration = '7d';
const MOST_FAILURES = 1_000_000;
const OPTIONS = ['free', 'delay', 'maxDelay', 'lock', 'forgetAfter'] as const;

/** Checks a schedule and completes it. */
export function failureRule(
  policy: string,
  defaults: { readonly free: number; readonly after: number },
  schedule: FailureSchedule = {},
): FailureRule {
  assertKnownOptions(`${policy}: a schedule`, schedule, OPTIONS);
  const { free = defaults.free, lock = { after: Math.max(free + 1, defaults.after) } } = schedule;
  assertKnownOptions(`${policy}: lock`, lock, ['after', 'duration']);
  const { after } = lock;
  const ms = (option: string, value: Duration): number =>
    durationMs(policy, option, value, { min: '1ms', max: LONGEST });
  const delay = ms('delay', schedule.delay ?? '1s');
  const maxDelay =
    schedule.maxDelay === undefined ? Math.max(delay, 60_000) : ms('maxDelay', schedule.maxDelay);
  const duration = ms('lock.duration', lock.duration ?? '15m');
  const forgetAfter = ms('forgetAfter', schedule.forgetAfter ?? '1d');
  assertConfiguration(
    Number.isInteger(free) && free >= 0 && Number.isInteger(after) && after <= MOST_FAILURES,
    `${policy}: free and lock.after must be whole numbers of failures.`,
  );
  assertConfiguration(
    after > free,
    `${policy}: lock.after must be above free, or nothing would be free.`,
  );
  assertConfiguration(
    maxDelay >= delay && duration >= maxDelay,
    `${policy}: pauses must grow: delay <= maxDelay <= lock.duration.`,
  );
  assertConfiguration(
    forgetAfter >= duration,
    `${policy}: forgetAfter must be at least lock.duration, or the lock would end early.`,
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
    retryAfterMs: wait,
    problem: { type: ABNORMAL_USAGE_DETECTED },
  });
}

/** Denies where nothing could be counted. */
export function uncountable(cause: unknown): Deny {
  return deny('unavailable', 'failures.unavailable', {
    retryAfterMs: 1_000,
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
