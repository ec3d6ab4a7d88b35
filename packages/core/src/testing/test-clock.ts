import { type Duration, durationMs } from '../lib/duration.ts';

/** A clock that stands still until a test moves it. */
export interface TestClock {
  /** Epoch milliseconds: for the `now` option of every factory. */
  readonly now: () => number;
  /** Lets this much time pass. */
  readonly advance: (by: Duration) => void;
}

/**
 * A clock for tests, to be passed to everything that accepts `now`: expiry, limits and windows are then tested without
 * waiting.
 *
 * @param start epoch milliseconds. Default: noon of 1 January 2030 (UTC).
 * @throws ConfigurationError for a start that is not a time, or a duration without its unit.
 * @example
 * const clock = testClock();
 * const issuer = testIssuer({ now: clock.now });
 * clock.advance('1h');
 */
export function testClock(start: number = Date.UTC(2030, 0, 1, 12)): TestClock {
  let time = start;
  return Object.freeze({
    now: () => time,
    advance: (by: Duration): void => {
      time += durationMs('testClock', 'advance', by, { min: '0ms' });
    },
  });
}
