import type { UsageRollup, UsageStore } from '@apisec/core';
import { report, withinTime } from '@apisec/core/host';
import type { Table, Windows } from './usage-tables.ts';

/** The state of the store of roll-ups. */
export interface RollupStats {
  /** Roll-ups that the store has not heard of yet; at most as many as `usage` counts. */
  readonly unwritten: number;
  /** Roll-ups whose last calls were given up, since the store did not answer for so long. */
  readonly lost: number;
  /** False while its last write has failed. */
  readonly healthy: boolean;
}

/** What `usage` reports about its tables. */
interface RollupOptions {
  readonly store: UsageStore | undefined;
  readonly tables: ReadonlyMap<string, Windows>;
  readonly flushMs: number;
  readonly onFault: ((cause: unknown) => void) | undefined;
}

/** Writes what has changed in the tables of `usage`, one batch at a time. */
export interface Rollups {
  /** Some calls were counted. */
  readonly schedule: () => void;
  /** These tables are dropped. */
  readonly giveUp: (...dropped: readonly (Table | undefined)[]) => void;
  readonly flush: (withinMs: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
  readonly stats: () => RollupStats;
}

const BATCH = 200;
const CLOSE_MS = 5_000;
/** A store that takes longer for a batch is taken for one that does not answer. */
const WRITE_MS = 10_000;
/** Writes that may be open at once, where a store never answers. Each row says all, so their order does not matter. */
const MOST_OPEN = 3;

interface Changed {
  readonly writer: string;
  readonly rollup: UsageRollup;
  /** Called if it was not written. */
  readonly again: () => void;
}

export function rollups({ store, tables, flushMs, onFault }: RollupOptions): Rollups {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let lost = 0;
  let healthy = true;
  let closed = false;
  let open = 0;

  const changed = function* (): Generator<Changed> {
    for (const kept of tables.values()) {
      const { dimension, window, lengthMs, began, writer, current, previous } = kept;
      for (const [table, number] of [[previous, began - 1] as const, [current, began] as const]) {
        for (const { name, count, error, state } of table?.list() ?? []) {
          if (!state.changed) continue;
          // Calls that are counted while it is written make it change again.
          state.changed = false;
          const rollup: UsageRollup = {
            window,
            began: number * lengthMs,
            dimension,
            name,
            calls: count,
            error,
            denied: state.denied,
            failed: state.failed,
            callers: state.callers.encode(),
            latency: state.latency.encode(),
          };
          yield { writer, rollup, again: () => void (state.changed = true) };
        }
      }
    }
  };

  const writeAll = async (to: UsageStore): Promise<boolean> => {
    const waiting = changed();
    for (;;) {
      const batch = [...take(waiting, BATCH)];
      if (batch.length === 0) return true;
      try {
        if (open >= MOST_OPEN) throw new Error(`usage: the store has not answered ${open} writes`);
        await withinTime(writeBatch(to, batch), WRITE_MS);
        healthy = true;
      } catch (cause) {
        for (const { again } of batch) again();
        healthy = false;
        report(onFault, cause);
        return false;
      }
    }
  };

  const writeBatch = async (to: UsageStore, batch: readonly Changed[]): Promise<void> => {
    open++;
    try {
      // There is one writer, unless the clock was set back.
      for (const writer of new Set(batch.map((each) => each.writer))) {
        const own = batch.filter((each) => each.writer === writer);
        await to.write(
          writer,
          own.map(({ rollup }) => rollup),
        );
      }
    } finally {
      open--;
    }
  };

  /** One after the other, so that whoever asks hears of what was counted until then. */
  const write = (to: UsageStore): Promise<boolean> => {
    const next = last.then(() => writeAll(to));
    last = next;
    return next;
  };

  const schedule = (): void => {
    if (store === undefined || timer !== undefined || closed) return;
    timer = setTimeout(() => {
      // Calls that are counted from here on are written later.
      timer = undefined;
      void write(store).then((written) => written || schedule());
    }, flushMs);
    // Counting does not keep a process alive. Node has objects where the web has numbers.
    (timer as { readonly unref?: () => void }).unref?.();
  };

  const flush: Rollups['flush'] = async (withinMs) =>
    store === undefined || withinTime(write(store), withinMs).catch(() => false);

  return {
    schedule,
    flush,
    giveUp: (...dropped) => {
      if (store === undefined) return;
      for (const table of dropped) lost += countChanged(table);
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await flush(CLOSE_MS);
    },
    stats: () => {
      let unwritten = 0;
      if (store !== undefined) {
        for (const { current, previous } of tables.values())
          unwritten += countChanged(current) + countChanged(previous);
      }
      return { unwritten, lost, healthy };
    },
  };
}

function countChanged(table: Table | undefined): number {
  return (table?.list() ?? []).filter(({ state }) => state.changed).length;
}

function* take<Value>(from: Generator<Value>, most: number): Generator<Value> {
  for (let taken = 0; taken < most; taken++) {
    const next = from.next();
    if (next.done === true) return;
    yield next.value;
  }
}
