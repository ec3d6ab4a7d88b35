import type { Limit } from '@apisec/core';
import type { Mode } from './simulate.ts';
import { DURATION, NODE_OUTAGES, NODES, REDIS_OUTAGES, sliceOf } from './world.ts';

/** What the limit's formula allows over the whole time. */
export function allowed(limit: Limit): number {
  return limit.algorithm === 'bucket'
    ? limit.capacity + (DURATION * limit.refill) / limit.period
    : limit.capacity * Math.ceil(DURATION / limit.window);
}

/** Units above the formula in the worst interval: any one for a bucket, one between two turns for a window. */
export function excess(limit: Limit, times: readonly number[]): number {
  if (limit.algorithm !== 'bucket') {
    const counts = new Map<number, number>();
    for (const time of times) {
      const window = Math.floor(time / limit.window);
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values()) - limit.capacity;
  }
  // Of all intervals from one admitted call to another: how many calls, less what flowed meanwhile.
  let lowest = Number.POSITIVE_INFINITY;
  let worst = 0;
  times.forEach((time, index) => {
    const level = index - (time * limit.refill) / limit.period;
    lowest = Math.min(lowest, level);
    worst = Math.max(worst, level - lowest + 1);
  });
  return worst - limit.capacity;
}

/**
 * How far above the formula a mode may go in one interval, for one key.
 *
 * @param unchecked calls for this key while Redis was away.
 */
export function bound(limit: Limit, mode: Mode, unchecked: number): number {
  if (mode === 'healthy') return 0;
  // Redis that comes back empty gives the whole capacity once more.
  const lost = limit.capacity * REDIS_OUTAGES.filter(({ forgets }) => forgets).length;
  switch (mode) {
    case 'closed':
      return lost;
    case 'open':
      return lost + unchecked;
    case 'degrade':
      return lost + shares(limit);
    case 'leased':
      // Units of one fixed window are not spent in the next.
      return lost + (limit.algorithm === 'fixed_window' ? 0 : NODES * sliceOf(limit));
  }
}

/** What all nodes together admit by themselves beside what Redis admits. */
function shares(limit: Limit): number {
  // A share is never too small for a single call.
  const share = Math.max(1, limit.capacity / NODES);
  const restarts = NODE_OUTAGES.length * share;
  if (limit.algorithm === 'bucket') {
    const away = REDIS_OUTAGES.reduce((sum, { from, to }) => sum + to - from, 0);
    return NODES * share + restarts + (away * limit.refill) / limit.period;
  }
  // Clocks differ, so one window of Redis meets two windows of each node.
  return 2 * NODES * share + restarts;
}
