import { LONGEST_SPAN } from '../contracts/limit-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/** Above this, quotas and their headers could not be told exactly (RFC 9651 §3.3.1 stops at 15 digits). */
const MOST_UNITS = 1e12;

/** Does not construct a limit with a number of units that is none. */
export function assertUnits(factory: string, option: string, value: number): void {
  assertConfiguration(
    typeof value === 'number' && value > 0 && value <= MOST_UNITS,
    `${factory}: ${option} must be a number above 0, at most 1e12.`,
  );
}

/** Does not construct a limit with a time span that is none. */
export function assertSpan(factory: string, option: string, milliseconds: number): void {
  assertConfiguration(
    Number.isInteger(milliseconds) && milliseconds >= 1 && milliseconds <= LONGEST_SPAN,
    `${factory}: ${option} must be whole milliseconds, at least 1 and at most ten years.`,
  );
}

/** Does not construct a bucket that takes longer to fill than anybody waits. */
export function assertFills(factory: string, milliseconds: number): void {
  assertConfiguration(
    milliseconds <= LONGEST_SPAN,
    `${factory}: takes more than ten years to fill. Let more flow in.`,
  );
}
