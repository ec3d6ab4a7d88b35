import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Duration } from '@apisec/core';
import { assertKnownOptions, durationMs } from '@apisec/core/host';

/** Options of {@link eventLoopDelay}. */
export interface EventLoopDelayOptions {
  /** The delay that is too much: where the answer is 1. Default: `100ms`. */
  readonly limit?: Duration | undefined;
  /** The time over which delays are looked at together. Default: `1s`. */
  readonly interval?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Where delays are measured, in nanoseconds. Default: `monitorEventLoopDelay()` of Node. */
  readonly histogram?: DelayHistogram | undefined;
}

/** What is needed of an `IntervalHistogram` of `node:perf_hooks`: nanoseconds from one look to the next. */
export interface DelayHistogram {
  readonly mean: number;
  readonly stddev: number;
  readonly count: number;
  readonly enable: () => unknown;
}

/** Milliseconds between two looks of the histogram; part of what it measures. */
const RESOLUTION = 10;
const NANOSECONDS = 1e6;
const NAME = 'eventLoopDelay';

/**
 * Tells how late the event loop is, as a share of what is too much. For `pressure` of `shedLoad`. It costs a look at
 * a clock for each call, and keeps no process alive.
 *
 * The delay is how long the loop stays away where a call comes at any time of the last whole interval, on average
 * over that time: `limit: '100ms'` is reached where it is always blocked for 100 ms, or for 137 ms of every 200. A
 * call waits at most so long for its turn, on average half of it, and again for everything that it awaits.
 * This is not the mean of `monitorEventLoopDelay()`, in which 800 ms that are blocked are one look among many.
 *
 * @throws ConfigurationError for a time without its unit.
 * @example
 * shedLoad({ pressure: eventLoopDelay({ limit: '70ms' }) });
 */
export function eventLoopDelay(options: EventLoopDelayOptions = {}): () => number {
  assertKnownOptions(NAME, options, ['limit', 'interval', 'now', 'histogram']);
  const { now = Date.now } = options;
  const limit = durationMs(NAME, 'limit', options.limit ?? '100ms');
  const interval = durationMs(NAME, 'interval', options.interval ?? '1s');
  const histogram = options.histogram ?? monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  let began = now();
  let [looks, sum, squares, share] = [0, 0, 0, 0];
  return () => {
    const time = now();
    // A clock that is set back begins another interval.
    if (time - began < interval && time >= began) return share;
    // Not reset in between: it would forget the delay that is going on, which may be the worst of all.
    const { count, mean, stddev } = histogram;
    const total = count === 0 ? 0 : mean * count;
    const totalSquares = count === 0 ? 0 : (mean * mean + stddev * stddev) * count;
    // A piece of time counts as much as it is long: so many calls come into it. Where the histogram did not
    // look even once, all of the time was delay.
    const delay =
      count > looks ? (totalSquares - squares) / (total - sum) / NANOSECONDS : time - began;
    share = Math.max(0, (delay - RESOLUTION) / limit);
    [began, looks, sum, squares] = [time, count, total, totalSquares];
    return share;
  };
}
