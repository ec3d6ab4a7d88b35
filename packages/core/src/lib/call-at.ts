/** What timers take at most; a time beyond it is looked at again then. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Calls back at a time (epoch milliseconds), however far it is, without keeping a process alive for it; answers how to
 * stop that.
 */
export function callAt(at: number, now: () => number, callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    const left = at - now();
    timer =
      left > LONGEST_TIMER_MS
        ? setTimeout(wait, LONGEST_TIMER_MS)
        : setTimeout(callback, Math.max(0, Math.ceil(left)));
    // Node has objects where the web has numbers.
    (timer as { readonly unref?: () => void }).unref?.();
  };
  wait();
  return () => clearTimeout(timer);
}
