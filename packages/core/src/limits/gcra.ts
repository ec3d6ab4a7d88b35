import type { BucketLimit } from '../contracts/limit-store.ts';
import { assertFills, assertSpan, assertUnits } from './limit-checks.ts';

/** Options of {@link gcra}. */
export interface GcraOptions {
  /** Units in each `period`, evenly spaced. */
  readonly limit: number;
  /** Milliseconds. */
  readonly period: number;
  /** Units that may come at once after a rest. Default: 1, so no two calls closer than the spacing. */
  readonly burst?: number | undefined;
}

/**
 * Admits units evenly spaced, one each `period / limit` milliseconds, and up to `burst` of them at once
 * after a rest (the generic cell rate algorithm, ITU-T I.371). It is the same law as `tokenBucket`, said by
 * its spacing: in any `t` milliseconds never more than `burst + t * limit / period`.
 *
 * @throws ConfigurationError when a number is not above 0, or `period` is no whole number.
 * @example
 * gcra({ limit: 10, period: 1_000 }) // one every 100 ms
 */
export function gcra({ limit, period, burst = 1 }: GcraOptions): BucketLimit {
  assertUnits('gcra', 'limit', limit);
  assertSpan('gcra', 'period', period);
  assertUnits('gcra', 'burst', burst);
  assertFills('gcra', (burst * period) / limit);
  return Object.freeze({ algorithm: 'bucket', capacity: burst, refill: limit, period });
}
