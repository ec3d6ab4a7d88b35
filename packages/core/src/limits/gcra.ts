import type { BucketLimit } from '../contracts/limit-store.ts';
import type { Duration } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertFills, assertUnits, spanMs } from './limit-checks.ts';

/** Options of {@link gcra}. */
export interface GcraOptions {
  /** Units in each `period`, evenly spaced. */
  readonly limit: number;
  /** At most ten years. */
  readonly period: Duration;
  /** Units that may come at once after a rest. Default: 1, so no two calls closer than the spacing. */
  readonly burst?: number | undefined;
}

/**
 * Admits units evenly spaced, one each `period / limit`, and up to `burst` of them at once
 * after a rest (the generic cell rate algorithm, ITU-T I.371). It is the same law as `tokenBucket`, said by
 * its spacing: in any time `t` never more than `burst + t * limit / period`.
 *
 * @throws ConfigurationError for a number that is not above 0, a `period` without its unit, or an unknown option.
 * @example
 * gcra({ limit: 10, period: '1s' }) // one every 100 ms
 */
export function gcra(options: GcraOptions): BucketLimit {
  assertKnownOptions('gcra', options, ['limit', 'period', 'burst']);
  const { limit, burst = 1 } = options;
  assertUnits('gcra', 'limit', limit);
  const period = spanMs('gcra', 'period', options.period);
  assertUnits('gcra', 'burst', burst);
  assertFills('gcra', (burst * period) / limit);
  return Object.freeze({ algorithm: 'bucket', capacity: burst, refill: limit, period });
}
