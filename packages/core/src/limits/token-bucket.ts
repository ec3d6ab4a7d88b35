import type { BucketLimit } from '../contracts/limit-store.ts';
import { assertKnownOptions } from '../lib/options.ts';
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
 * @throws ConfigurationError for a number that is not above 0, an unknown option, or a bucket that takes more than ten
 * years to fill.
 * @example
 * tokenBucket({ capacity: 100, refillPerSecond: 10 })
 */
export function tokenBucket(options: TokenBucketOptions): BucketLimit {
  assertKnownOptions('tokenBucket', options, ['capacity', 'refillPerSecond']);
  const { capacity, refillPerSecond } = options;
  assertUnits('tokenBucket', 'capacity', capacity);
  assertUnits('tokenBucket', 'refillPerSecond', refillPerSecond);
  assertFills('tokenBucket', (capacity * 1000) / refillPerSecond);
  return Object.freeze({ algorithm: 'bucket', capacity, refill: refillPerSecond, period: 1000 });
}
