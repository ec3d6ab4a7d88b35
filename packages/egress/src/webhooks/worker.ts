import type { ClaimedDelivery, DeliveryResult } from '@apisec/core';

/** What a worker needs, with all defaults. */
export interface WorkerSettings {
  /** Claims what there is room for beside what runs. */
  readonly claim: (running: Iterable<ClaimedDelivery>) => Promise<readonly ClaimedDelivery[]>;
  readonly deliver: (delivery: ClaimedDelivery) => Promise<DeliveryResult>;
  readonly record: (results: readonly DeliveryResult[]) => Promise<void>;
  /** Forgets what is old, now and then. */
  readonly prune: () => Promise<void>;
  readonly concurrency: number;
  readonly pollMs: number;
  readonly onFault: (error: unknown) => void;
}

/** Delivers what is due, until it is stopped. */
export interface Worker {
  readonly start: () => void;
  /** Lets what runs come to its end. */
  readonly stop: () => Promise<void>;
  /** Says that something may be due. */
  readonly wake: () => void;
}

type Running = Map<ClaimedDelivery, Promise<void>>;

/** For how long at most results are gathered before they are written down, in milliseconds. */
const GATHERING_MS = 20;

/** Keeps as many attempts running as may, and writes down together what ends together. */
export function worker(settings: WorkerSettings): Worker {
  const { claim, deliver, record, prune, concurrency, pollMs, onFault } = settings;
  let isRunning = false;
  let loop: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  const goesOn = (): boolean => isRunning;

  const claimed = async (running: Running): Promise<readonly ClaimedDelivery[]> => {
    try {
      return running.size < concurrency ? await claim(running.keys()) : [];
    } catch (error) {
      onFault(error);
      return [];
    }
  };

  const work = async (): Promise<void> => {
    const running: Running = new Map();
    let ended: DeliveryResult[] = [];
    /** True where there was something to write down. */
    const flush = async (): Promise<boolean> => {
      const results = ended;
      ended = [];
      // What cannot be written down is sent again once its lease is over.
      if (results.length > 0) await record(results).catch(onFault);
      return results.length > 0;
    };
    while (goesOn()) {
      const [fresh, hasWritten] = await Promise.all([
        claimed(running),
        flush(),
        prune().catch(onFault),
      ]);
      for (const delivery of fresh) {
        const one = deliver(delivery)
          .then((result) => void ended.push(result), onFault)
          .finally(() => running.delete(delivery));
        running.set(delivery, one);
      }
      if (running.size > 0) {
        // Until a good part is over, so that few statements do for many.
        const wanted = Math.max(0, running.size - Math.ceil(concurrency / 2));
        const pause = sleep(GATHERING_MS);
        while (running.size > wanted && !pause.isOver())
          await Promise.race([...running.values(), pause.done]);
        pause.cancel();
      } else if (fresh.length === 0 && !hasWritten && ended.length === 0) {
        // Nothing is due: what has just been written down may have been waited for by another one.
        const pause = sleep(pollMs);
        wake = pause.cancel;
        await pause.done;
        wake = undefined;
      }
    }
    await Promise.all(running.values());
    await flush();
  };

  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      loop = (loop ?? Promise.resolve()).then(work);
    },
    stop: async () => {
      isRunning = false;
      wake?.();
      await loop;
    },
    wake: () => wake?.(),
  };
}

const nothing = (): void => undefined;

/** A wait that can be cut short. */
function sleep(ms: number) {
  let isOver = false;
  let cancel = nothing;
  const done = new Promise<void>((resolve) => {
    const timer = setTimeout(() => cancel(), ms);
    cancel = () => {
      isOver = true;
      clearTimeout(timer);
      resolve();
    };
  });
  return { done, cancel: () => cancel(), isOver: () => isOver };
}
