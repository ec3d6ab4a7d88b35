import type { WindowLimit } from '../contracts/limit-store.ts';
import { assertSpan, assertUnits } from './limit-checks.ts';

/** Options of {@link slidingWindow}. */
export interface SlidingWindowOptions {
  /** Units in a window. */
  readonly limit: number;
  /** Length of the window in whole milliseconds. */
  readonly window: number;
}

/**
 * Admits `limit` units in a window that slides with time, estimated from two counts: this window's and the
 * one before, of which only the share counts that is less than `window` ago. At every moment the estimate
 * is at most `limit`; a caller who comes in bursts can get up to twice that within one `window`, never
 * more than `limit` between two multiples of it.
 *
 * @throws ConfigurationError when a number is not above 0, or `window` is no whole number.
 * @example
 * slidingWindow({ limit: 1_000, window: 60_000 })
 */
export function slidingWindow({ limit, window }: SlidingWindowOptions): WindowLimit {
  assertUnits('slidingWindow', 'limit', limit);
  assertSpan('slidingWindow', 'window', window);
  return Object.freeze({ algorithm: 'sliding_window', capacity: limit, window });
}
