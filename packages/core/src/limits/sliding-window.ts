import type { WindowLimit } from '../contracts/limit-store.ts';
import type { Duration } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertUnits, spanMs } from './limit-checks.ts';

/** Options of {@link slidingWindow}. */
export interface SlidingWindowOptions {
  /** Units in a window. */
  readonly limit: number;
  /** Length of the window, at most ten years. */
  readonly window: Duration;
}

/**
 * Admits `limit` units in a window that slides with time, estimated from two counts: this window's and the
 * one before, of which only the share counts that is less than `window` ago. At every moment the estimate
 * is at most `limit`; a caller who comes in bursts can get up to twice that within one `window`, never
 * more than `limit` between two multiples of it.
 *
 * @throws ConfigurationError for a `limit` that is not above 0, a `window` without its unit, or an unknown option.
 * @example
 * slidingWindow({ limit: 1_000, window: '1m' })
 */
export function slidingWindow(options: SlidingWindowOptions): WindowLimit {
  assertKnownOptions('slidingWindow', options, ['limit', 'window']);
  const { limit } = options;
  assertUnits('slidingWindow', 'limit', limit);
  const window = spanMs('slidingWindow', 'window', options.window);
  return Object.freeze({ algorithm: 'sliding_window', capacity: limit, window });
}
