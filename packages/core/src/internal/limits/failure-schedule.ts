import { assertConfiguration } from '../../configuration-error.ts';
import type { FailureRule } from '../../stores/counter-store.ts';

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
