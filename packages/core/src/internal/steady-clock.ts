/** A clock that is set back by less than this is waited for, which costs nobody more than this. */
const WAIT_AT_MOST = 1_000;

/**
 * A clock that never goes back. Where the one below is set back, this one stands still: until it has
 * caught up, or, where that would take long, from then on ahead of it.
 */
export function steadyClock(now: () => number): () => number {
  let latest = Number.NEGATIVE_INFINITY;
  let ahead = 0;
  return () => {
    const time = now() + ahead;
    if (time >= latest) latest = time;
    else if (latest - time > WAIT_AT_MOST) ahead += latest - time;
    return latest;
  };
}
