import { assertConfiguration } from '@apisec/core/host';

/** Options of the circuit breaker in front of a server. */
export interface BreakerOptions {
  /** Failures in a row after which calls fail at once. Default: 5. */
  readonly failures?: number | undefined;
  /** Milliseconds until one call may try again. Default: 1,000. */
  readonly pause?: number | undefined;
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

/** Does not construct with numbers that would never let a call through, or always. */
export function assertBreaker({ failures = 5, pause = 1_000 }: BreakerOptions = {}): void {
  assertConfiguration(
    Number.isInteger(failures) && failures >= 1,
    'redis: breaker.failures must be a whole number of failures, at least 1.',
  );
  assertConfiguration(
    pause >= 1 && pause <= 60_000,
    'redis: breaker.pause is in milliseconds, from 1 to 60,000.',
  );
}

export function circuitBreaker({
  failures = 5,
  pause = 1_000,
  now = () => performance.now(),
}: BreakerOptions = {}): Breaker {
  let inARow = 0;
  let retryAt = 0;
  return {
    admits: () => {
      if (inARow < failures) return true;
      const time = now();
      if (time < retryAt) return false;
      // The probe: who comes while it is under way is told no.
      retryAt = time + pause;
      return true;
    },
    succeeded: () => {
      inARow = 0;
    },
    failed: () => {
      inARow++;
      if (inARow >= failures) retryAt = now() + pause;
    },
  };
}
