/** Events of several writers may come out of order by seconds, not by more than this. */
const TOLERANCE_MS = 600_000;

/**
 * True where the clock that events are stamped by was ahead, and was set right: an event is older than the running
 * window by more than a window, and by more than ten minutes. Whoever went on with that window would see nothing until
 * the time comes that the clock had shown, which may be years away.
 */
export function wasSetBack(time: number, windowBegan: number, windowMs: number): boolean {
  return time < windowBegan - Math.max(windowMs, TOLERANCE_MS);
}
