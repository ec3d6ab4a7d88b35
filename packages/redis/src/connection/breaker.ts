import type { Duration } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, durationMs } from '@apisec/core/host';

/** Options of the circuit breaker in front of a server. */
export interface BreakerOptions {
  /** Failures in a row after which calls fail at once. Default: 5. */
  readonly failures?: number | undefined;
  /** How long until one call may try again, at most `1m`. Default: `1s`. */
  readonly pause?: Duration | undefined;
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Lets calls through until several in a row have failed; then only one in each pause, until one succeeds.
 * So a server that hangs costs each process one waiting call at a time, not all of them.
 */
export interface Breaker {
  /** Whether a call may go now. One that may must be followed by `succeeded` or `failed`. */
  readonly admits: () => boolean;
  readonly succeeded: () => void;
  readonly failed: () => void;
}

/** Options that were checked. */
export interface BreakerSettings {
  readonly failures: number;
  readonly pauseMs: number;
  readonly now: () => number;
}

/** Does not construct with options that would never let a call through, or always. */
export function breakerSettings(options: BreakerOptions = {}): BreakerSettings {
  const where = 'redis: breaker';
  assertKnownOptions(where, options, ['failures', 'pause', 'now']);
  const { failures = 5, now = () => performance.now() } = options;
  assertConfiguration(
    Number.isInteger(failures) && failures >= 1,
    `${where}: failures must be a whole number of failures, at least 1.`,
  );
  const pauseMs = durationMs(where, 'pause', options.pause ?? '1s', { max: '1m' });
  return { failures, pauseMs, now };
}

export function circuitBreaker({ failures, pauseMs, now }: BreakerSettings): Breaker {
  let inARow = 0;
  let retryAt = 0;
  return {
    admits: () => {
      if (inARow < failures) return true;
      const time = now();
      if (time < retryAt) return false;
      // The probe: whoever comes while it is under way is denied.
      retryAt = time + pauseMs;
      return true;
    },
    succeeded: () => {
      inARow = 0;
    },
    failed: () => {
      inARow++;
      if (inARow >= failures) retryAt = now() + pauseMs;
    },
  };
}
