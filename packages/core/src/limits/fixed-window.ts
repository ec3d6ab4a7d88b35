import type { WindowLimit } from '../contracts/limit-store.ts';
import { assertSpan, assertUnits } from './limit-checks.ts';

/** Options of {@link fixedWindow}. */
export interface FixedWindowOptions {
  /** Units in a window. */
  readonly limit: number;
  /** Length of the window in whole milliseconds. */
  readonly window: number;
}

/**
 * Admits `limit` units between two multiples of `window` on the store's clock, so a window of 86,400,000
 * is a day in UTC. Made for quotas: a caller can get twice the limit around the turn of a window.
 *
 * @throws ConfigurationError when a number is not above 0, or `window` is no whole number.
 * @example
 * fixedWindow({ limit: 10_000, window: 86_400_000 })
 */
export function fixedWindow({ limit, window }: FixedWindowOptions): WindowLimit {
  assertUnits('fixedWindow', 'limit', limit);
  assertSpan('fixedWindow', 'window', window);
  return Object.freeze({ algorithm: 'fixed_window', capacity: limit, window });
}
