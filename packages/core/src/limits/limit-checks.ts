import { LONGEST_SPAN } from '../contracts/limit-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';

/** Above this, quotas and their headers could not be told exactly (RFC 9651 §3.3.1 stops at 15 digits). */
const MOST_UNITS = 1e12;

/** Does not construct a limit whose number of units is not a number above 0. */
export function assertUnits(factory: string, option: string, value: number): void {
  assertConfiguration(
    typeof value === 'number' && value > 0 && value <= MOST_UNITS,
    `${factory}: ${option} must be a number above 0, at most 1e12.`,
  );
}

/** The milliseconds of a limit's time span, at most ten years. */
export function spanMs(factory: string, option: string, span: Duration): number {
  return durationMs(factory, option, span, { min: '1ms', max: '3650d' });
}

/** Does not construct a bucket that takes longer to fill than anybody waits. */
export function assertFills(factory: string, milliseconds: number): void {
  assertConfiguration(
    milliseconds <= LONGEST_SPAN,
    `${factory}: takes more than ten years to refill. Raise the refill rate.`,
  );
}
