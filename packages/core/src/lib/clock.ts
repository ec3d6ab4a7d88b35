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

/**
 * Whether what is of `since` is `age` old at `at`, all in milliseconds. A clock that was set back makes nothing
 * younger.
 */
export function isOlder(since: number, age: number, at: number): boolean {
  return at < since || at - since >= age;
}

/**
 * What a task gives, or a rejection that tells the problem once `limit` milliseconds have passed. What came in while
 * the process was too busy to look is in time: it is read after the timers that are due, so the last millisecond has a
 * timer of its own.
 */
export async function withinTime<T>(
  task: Promise<T>,
  limit: number,
  problem: string = `no answer within ${limit} ms`,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      timer = setTimeout(() => reject(new Error(problem)), 1);
    }, limit - 1);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Does a task some milliseconds later, without keeping a process alive for it. Where it fails, or never comes about
 * since its process ended, something else must bound the harm.
 */
export function later(task: () => unknown, wait: number): void {
  const timer: unknown = setTimeout(() => {
    Promise.resolve()
      .then(task)
      .catch(() => undefined);
  }, wait);
  // Node has objects where the web has numbers.
  (timer as { readonly unref?: () => void }).unref?.();
}
