/** Runs a task when its turn comes; rejects at once where too many wait already. */
export type Enter = <T>(task: () => Promise<T>) => Promise<T>;

/** Runs at most `concurrency` tasks at once; others wait in the order in which they came. */
export function queue(concurrency: number, maxWaiting: number): Enter {
  const waiting = new Set<() => void>();
  let running = 0;
  const leave = (): void => {
    running--;
    for (const next of waiting) {
      waiting.delete(next);
      next();
      return;
    }
  };
  return async (task) => {
    if (running >= concurrency) {
      if (waiting.size >= maxWaiting) throw new Error('Too many tasks are waiting.');
      await new Promise<void>((resolve) => {
        waiting.add(() => {
          // Taken synchronously, so that no task that arrives now can overtake this one.
          running++;
          resolve();
        });
      });
    } else running++;
    try {
      return await task();
    } finally {
      leave();
    }
  };
}
