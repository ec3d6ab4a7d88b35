/** Tasks that failed and are tried again until they succeed, or their time is over. */
export interface Retries {
  /** @param ttl milliseconds after which the task is of no use any more. */
  readonly add: (task: () => Promise<unknown>, ttl: number) => void;
}

interface Waiting {
  readonly task: () => Promise<unknown>;
  readonly until: number;
}

/** Milliseconds between two rounds. */
const PAUSE = 500;
/** Tasks in one round: a server that just came back is not flooded. */
const ROUND = 1_000;

/**
 * Tries again for as long as there is something to try, without keeping the process alive.
 *
 * @param most tasks that wait at once. When there are more, the oldest are given up.
 */
export function retries(most: number): Retries {
  const waiting = new Set<Waiting>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const round = async (): Promise<void> => {
    const now = performance.now();
    const tried: Promise<void>[] = [];
    for (const each of waiting) {
      if (tried.length >= ROUND) break;
      waiting.delete(each);
      if (each.until <= now) continue;
      tried.push(
        each.task().then(
          () => undefined,
          () => keep(each),
        ),
      );
    }
    await Promise.all(tried);
    timer = undefined;
    schedule();
  };
  const keep = (each: Waiting): void => {
    waiting.add(each);
    if (waiting.size <= most) return;
    const [oldest] = waiting;
    if (oldest) waiting.delete(oldest);
  };
  const schedule = (): void => {
    if (timer !== undefined || waiting.size === 0) return;
    timer = setTimeout(() => void round(), PAUSE);
    timer.unref();
  };
  return {
    add: (task, ttl) => {
      keep({ task, until: performance.now() + ttl });
      schedule();
    },
  };
}
