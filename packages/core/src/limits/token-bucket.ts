import type { BucketLimit } from '../contracts/limit-store.ts';
import { assertFills, assertUnits } from './limit-checks.ts';

/** Options of {@link tokenBucket}. */
export interface TokenBucketOptions {
  /** Units that can be taken at once after a rest. */
  readonly capacity: number;
  /** Units that flow back each second, continuously. May be a fraction. */
  readonly refillPerSecond: number;
}

/**
 * Admits bursts of up to `capacity` units and `refillPerSecond` units a second in the long run; in any
 * `t` seconds never more than `capacity + t * refillPerSecond`.
 *
 * @throws ConfigurationError when a number is not above 0, or filling would take more than ten years.
 * @example
 * tokenBucket({ capacity: 100, refillPerSecond: 10 })
 */
export function tokenBucket({ capacity, refillPerSecond }: TokenBucketOptions): BucketLimit {
  assertUnits('tokenBucket', 'capacity', capacity);
  assertUnits('tokenBucket', 'refillPerSecond', refillPerSecond);
  assertFills('tokenBucket', (capacity * 1000) / refillPerSecond);
  return Object.freeze({ algorithm: 'bucket', capacity, refill: refillPerSecond, period: 1000 });
}
