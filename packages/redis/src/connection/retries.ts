import type { RedisClient } from './client.ts';

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
 * Tries again for as long as there is something to try, without keeping the process alive. Where the client was closed
 * for good, nothing is tried until it is connected again.
 *
 * @param most tasks that wait at once. When there are more, the oldest are given up.
 */
export function retries(client: RedisClient, most: number): Retries {
  const waiting = new Set<Waiting>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
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
    if (timer !== undefined || isClosed || waiting.size === 0) return;
    if (client.status === 'end') {
      isClosed = true;
      client.once('ready', () => {
        isClosed = false;
        schedule();
      });
      return;
    }
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
