import type { WindowLimit } from '../contracts/limit-store.ts';
import type { Duration } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertUnits, spanMs } from './limit-checks.ts';

/** Options of {@link fixedWindow}. */
export interface FixedWindowOptions {
  /** Units in a window. */
  readonly limit: number;
  /** Length of the window, at most ten years. */
  readonly window: Duration;
}

/**
 * Admits `limit` units between two multiples of `window` on the store's clock, so a window of `1d`
 * is a day in UTC. Made for quotas: a caller can get twice the limit around the turn of a window.
 *
 * @throws ConfigurationError for a `limit` that is not above 0, a `window` without its unit, or an unknown option.
 * @example
 * fixedWindow({ limit: 10_000, window: '1d' })
 */
export function fixedWindow(options: FixedWindowOptions): WindowLimit {
  assertKnownOptions('fixedWindow', options, ['limit', 'window']);
  const { limit } = options;
  assertUnits('fixedWindow', 'limit', limit);
  const window = spanMs('fixedWindow', 'window', options.window);
  return Object.freeze({ algorithm: 'fixed_window', capacity: limit, window });
}
