import type { UsageRollup, UsageStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, assertMethods } from '@apisec/core/host';
import { distinctCount, quantiles } from './sketches.ts';
import {
  SHARED_SEED,
  type Totals,
  type UsageDimension,
  type UsageRow,
  type UsageWindow,
  usageRow,
} from './usage-tables.ts';

/**
 * Which part of the past is asked for: windows that began at `from` or later, and before `to`, in epoch milliseconds.
 */
export interface UsageHistoryQuery {
  readonly dimension: UsageDimension;
  readonly window: UsageWindow;
  readonly from: number;
  readonly to: number;
}

/** What one name did in one window, over all processes. */
export interface UsageHistoryRow extends UsageRow {
  /** When the window began, in epoch milliseconds. */
  readonly began: number;
}

const NAME = 'usageHistory';
const QUERY: readonly (keyof UsageHistoryQuery)[] = ['dimension', 'window', 'from', 'to'];

/**
 * What processes with `usage({ store })` have counted together, window by window, the most used first in each. What
 * was counted within the last `flushAfter` of a process may not be there yet. Distinct callers and latencies are
 * merged, not added.
 *
 * Rejects with what the store says, a `RangeError` where the question would read too much.
 *
 * @throws ConfigurationError for a store that is none, times that are not numbers, and unknown options.
 * @example
 * const day = 86_400_000;
 * await usageHistory(store, { dimension: 'client', window: 'hour', from: Date.now() - day, to: Date.now() });
 */
export async function usageHistory(
  store: UsageStore,
  query: UsageHistoryQuery,
): Promise<readonly UsageHistoryRow[]> {
  assertMethods(NAME, 'store', store, ['read'], 'postgresUsageStore(pool)');
  assertKnownOptions(NAME, query, QUERY);
  assertConfiguration(
    Number.isFinite(query.from) && Number.isFinite(query.to),
    `${NAME}: from and to must be epoch milliseconds.`,
  );
  const windows = new Map<number, Map<string, Totals>>();
  for (const rollup of await store.read(query)) {
    const names = windows.get(rollup.began) ?? new Map<string, Totals>();
    windows.set(rollup.began, names);
    names.set(rollup.name, merged(names.get(rollup.name), rollup));
  }
  return [...windows]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([began, names]) =>
      [...names]
        .map(([name, totals]) => ({ began, ...usageRow(name, totals) }))
        .toSorted((a, b) => b.calls - a.calls),
    );
}

function merged(before: Totals | undefined, rollup: UsageRollup): Totals {
  const callers = before?.callers ?? distinctCount(SHARED_SEED);
  const latency = before?.latency ?? quantiles();
  callers.merge(rollup.callers);
  latency.merge(rollup.latency);
  return {
    calls: (before?.calls ?? 0) + rollup.calls,
    error: (before?.error ?? 0) + rollup.error,
    denied: (before?.denied ?? 0) + rollup.denied,
    failed: (before?.failed ?? 0) + rollup.failed,
    callers,
    latency,
  };
}
