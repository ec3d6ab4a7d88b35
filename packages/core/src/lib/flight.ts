import { withinTime } from './clock.ts';

/** Work that one call has begun, and that others wait for. */
export interface Flight<T> {
  readonly landing: Promise<T>;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/**
 * Whether work is taken for lost: edge runtimes drop what a call has begun as soon as that was answered, so it may
 * never end. A clock that was set back by a little changes nothing.
 */
export function isStalled({ startedAt }: Flight<unknown>, afterMs: number, at: number): boolean {
  return Math.abs(at - startedAt) >= afterMs;
}

/**
 * What another call has begun, waited for no longer than the caller would wait for its own: rejects then. Undefined
 * where there is nothing to wait for, so that the caller begins it itself.
 */
export function joinFlight<T>(
  flight: Flight<T> | undefined,
  patienceMs: number,
  at: number,
  stalledAfterMs: number = patienceMs,
): Promise<T> | undefined {
  if (flight === undefined || isStalled(flight, stalledAfterMs, at)) return undefined;
  const left = stalledAfterMs - Math.abs(at - flight.startedAt);
  return withinTime(flight.landing, Math.min(patienceMs, left));
}
