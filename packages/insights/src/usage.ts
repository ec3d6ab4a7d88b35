import type { AuditEvent, AuditSink, Duration, UsageStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  durationMs,
} from '@apisec/core/host';
import { callsOf } from './calls-of.ts';
import { wasSetBack } from './clock-steps.ts';
import { type RollupStats, rollups } from './rollups.ts';
import { distinctCount, type Quantiles, quantiles } from './sketches.ts';
import { topValues } from './top-values.ts';
import {
  type Cell,
  SHARED_SEED,
  type Table,
  type UsageDimension,
  type UsageRow,
  type UsageWindow,
  usageRow,
  type Windows,
} from './usage-tables.ts';

/** A limit that would have let nearly everybody through as they are. */
export interface SuggestedLimit {
  readonly operation: string;
  /** Calls of one caller in a minute. */
  readonly perMinute: number;
  /** How many minutes of callers it was learned from: of few, believe little. */
  readonly observations: number;
  /** The part of those minutes that it would have limited. */
  readonly wouldLimit: number;
}

/** Options of {@link usage}. */
export interface UsageOptions {
  /** How many values of each dimension are kept in a window; the rarest give way. Default: 200. */
  readonly maxValues?: number | undefined;
  /** How many callers are counted in a minute to suggest limits. Default: 5,000. */
  readonly maxCallers?: number | undefined;
  /** Where roll-ups go, for `usageHistory`: `postgresUsageStore(pool)`. Default: nothing is kept beyond the process. */
  readonly store?: UsageStore | undefined;
  /** How long after a call its roll-ups are written, `1s` to `30s`. Default: `20s`. */
  readonly flushAfter?: Duration | undefined;
  /** Called when the store does not answer, or not within 10 seconds. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** Usage, as far as it is known. */
export interface Usage extends AuditSink {
  /** The most used first; of the window that runs, or the one before it. */
  readonly report: (
    dimension: UsageDimension,
    window: UsageWindow,
    which?: 'current' | 'previous',
  ) => readonly UsageRow[];
  /**
   * Limits per caller from what callers do: the quantile (default 0.999) of calls in a minute, with a margin of a half.
   * Denied calls count, so a limit that is too low does not suggest itself again; but for those of operations that
   * nobody was let in to, and of callers that nothing identifies and that were not let in within that minute.
   */
  readonly suggestLimits: (quantile?: number) => readonly SuggestedLimit[];
  /** Writes what is not in the store yet; false where that is not done within this time. Default: `5s`. */
  readonly flush: (within?: Duration) => Promise<boolean>;
  /** The state of the store. */
  readonly rollups: () => RollupStats;
}

const NAME = 'usage';
const DIMENSIONS: readonly UsageDimension[] = [
  'operation',
  'apiVersion',
  'apiKey',
  'client',
  'tenant',
];
const WINDOWS: Readonly<Record<UsageWindow, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
const MARGIN = 1.5;
const MOST_OPERATIONS = 200;

/**
 * Counts who uses what, from the events of `audit`, in bounded memory: by operation, version, API key, client and
 * tenant, in windows of a minute, an hour and a day. A sampled call counts as all the calls it represents.
 *
 * At most about four kilobytes for each value, window and dimension: 31 MB with the defaults when all are full. Names
 * that only denied calls brought have a quarter as many slots of their own: no flood of made-up ones pushes out others.
 *
 * With a `store`, several processes count together, and `usageHistory` reads what they counted. While the store does
 * not answer, memory does not grow: counting goes on, what of a window was not written when the next but one begins is
 * given up and counted (`rollups().lost`), and longer windows, which contain it, are written when it answers. To merge
 * them, sketches of all processes hash alike then: whoever can choose many names of callers could choose ones that
 * count as few.
 *
 * @throws ConfigurationError for bounds that are not valid.
 * @example
 * const used = usage();
 * const log = audit({ sinks: [jsonLines(process.stdout), used] });
 * used.report('operation', 'hour');
 */
export function usage(options: UsageOptions = {}): Usage {
  assertKnownOptions(NAME, options, ['maxValues', 'maxCallers', 'store', 'flushAfter', 'onFault']);
  const { maxValues = 200, maxCallers = 5_000, store, onFault } = options;
  for (const value of [maxValues, maxCallers]) {
    assertConfiguration(
      Number.isSafeInteger(value) && value > 0,
      `${NAME}: maxValues and maxCallers must be whole numbers, 1 or more.`,
    );
  }
  assertMethods(NAME, 'store', store, ['write', 'read'], 'postgresUsageStore(pool)');
  const flushMs = durationMs(NAME, 'flushAfter', options.flushAfter ?? '20s', {
    min: '1s',
    max: '30s',
  });
  const seed = store ? SHARED_SEED : (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
  const cell = (): Cell => ({
    changed: false,
    denied: 0,
    failed: 0,
    callers: distinctCount(seed),
    latency: quantiles(),
  });
  const tables = new Map<string, Windows>();
  const kept = rollups({ store, tables, flushMs, onFault });
  /** The writer of new windows; tables share it, so that one statement writes them. */
  let newest: string = crypto.randomUUID();
  /** Calls of each caller and operation in the minute that runs. */
  let minute = 0;
  let callers = new Map<string, Map<string, number>>();
  let counted = 0;
  const learned = new Map<string, Quantiles>();

  const tableOf = (dimension: UsageDimension, window: UsageWindow, time: number): Table => {
    const key = `${dimension} ${window}`;
    const began = Math.floor(time / WINDOWS[window]);
    const known = tables.get(key);
    const lengthMs = WINDOWS[window];
    const isBack = known !== undefined && wasSetBack(time, known.began * lengthMs, lengthMs);
    // An event that comes late counts in the window that runs.
    if (known !== undefined && began <= known.began && !isBack) return known.current;
    // The store may hold counts of this window from before the clock was wrong; new ones are added to them.
    if (isBack && known.writer === newest) newest = crypto.randomUUID();
    const writer = known === undefined || isBack ? newest : known.writer;
    const current = topValues(maxValues, cell);
    const isNext = known !== undefined && began === known.began + 1;
    if (known !== undefined) kept.giveUp(known.previous, isNext ? undefined : known.current);
    const previous = isNext ? known.current : undefined;
    tables.set(key, { dimension, window, lengthMs, began, writer, current, previous });
    return current;
  };

  const learn = (): void => {
    for (const [operation, byCaller] of callers) {
      let sketch = learned.get(operation);
      if (sketch === undefined) {
        if (learned.size >= MOST_OPERATIONS) continue;
        sketch = quantiles();
        learned.set(operation, sketch);
      }
      for (const calls of byCaller.values()) sketch.add(calls);
    }
    callers = new Map();
    counted = 0;
  };

  const countCaller = (event: AuditEvent, caller: string, weight: number): void => {
    const { operation, outcome, principal, time } = event;
    const now = Math.floor(time / WINDOWS.minute);
    if (now > minute || wasSetBack(time, minute * WINDOWS.minute, WINDOWS.minute)) {
      learn();
      minute = now;
    }
    if (operation === undefined) return;
    const byCaller = callers.get(operation) ?? new Map<string, number>();
    const before = byCaller.get(caller);
    if (outcome === 'denied') {
      // An operation that nobody was let in to may be made up, and so may a caller that nothing identified.
      if (!callers.has(operation) && !learned.has(operation)) return;
      if (before === undefined && principal === undefined) return;
    }
    // A caller who can make up names fills the table of one minute, and no more.
    if (before === undefined && ++counted > maxCallers) return;
    byCaller.set(caller, (before ?? 0) + weight);
    callers.set(operation, byCaller);
  };

  const take = (event: AuditEvent): void => {
    if (event.kind !== 'decision') return;
    const caller = callerOf(event);
    const weight = callsOf(event);
    for (const dimension of DIMENSIONS) {
      const name = event[dimension];
      if (name === undefined) continue;
      // The names are those of the table.
      for (const window of Object.keys(WINDOWS) as UsageWindow[]) {
        const table = tableOf(dimension, window, event.time);
        // Callers make up names of what is denied as they like; what is admitted had to be admitted.
        const isKnown = event.outcome !== 'denied';
        let state = table.add(name, isKnown);
        for (let more = 1; more < weight; more++) state = table.add(name, isKnown);
        if (event.outcome === 'denied') state.denied++;
        if (event.outcome === 'failed') state.failed++;
        if (caller !== undefined) state.callers.add(caller);
        if (event.latencyMs !== undefined) state.latency.add(event.latencyMs);
        state.changed = true;
      }
    }
    kept.schedule();
    if (caller !== undefined) countCaller(event, caller, weight);
  };

  return Object.freeze<Usage>({
    name: NAME,
    write: (events) => events.forEach(take),
    flush: (within = '5s') => kept.flush(durationMs(NAME, 'flush', within)),
    rollups: kept.stats,
    close: kept.close,
    report: (dimension, window, which = 'current') => {
      const table = tables.get(`${dimension} ${window}`)?.[which];
      return (table?.list() ?? []).map(({ name, count, error, state }) =>
        usageRow(name, { ...state, calls: count, error }),
      );
    },
    suggestLimits: (quantile = 0.999) => {
      assertConfiguration(
        quantile > 0 && quantile < 1,
        `${NAME}: the quantile must lie between 0 and 1, like 0.999.`,
      );
      return [...learned]
        .map(([operation, sketch]) => ({
          operation,
          perMinute: Math.max(1, Math.ceil(sketch.at(quantile) * MARGIN)),
          observations: sketch.count(),
          wouldLimit: sketch.above(Math.max(1, Math.ceil(sketch.at(quantile) * MARGIN))),
        }))
        .toSorted((a, b) => b.observations - a.observations);
    },
  });
}

/** Who calls: whoever is identified, or else the peer. */
export function callerOf({ principal, peer }: AuditEvent): string | undefined {
  return principal ?? peer;
}
