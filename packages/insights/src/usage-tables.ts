import type { distinctCount, Quantiles } from './sketches.ts';
import type { topValues } from './top-values.ts';

/** By what usage is counted. */
export type UsageDimension = 'operation' | 'apiVersion' | 'apiKey' | 'client' | 'tenant';
export type UsageWindow = 'minute' | 'hour' | 'day';

/** What one operation, version, key, client or tenant did in one window. */
export interface UsageRow {
  readonly name: string;
  /** Too high by at most `error`; too low only by calls that were denied before the first one was let in. */
  readonly calls: number;
  readonly error: number;
  readonly denied: number;
  readonly failed: number;
  /** Distinct callers, within about three per cent. */
  readonly callers: number;
  /** Milliseconds, within two per cent. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

/** Sketches of several processes can be merged where they hash alike. */
export const SHARED_SEED = 0x61706973;

/** What is kept of one name in one window. */
export interface Cell {
  /** Whether the store has not heard of the last call yet. */
  changed: boolean;
  denied: number;
  failed: number;
  readonly callers: ReturnType<typeof distinctCount>;
  readonly latency: Quantiles;
}

/** What a row is made of. */
export interface Totals extends Pick<Cell, 'denied' | 'failed' | 'callers' | 'latency'> {
  readonly calls: number;
  readonly error: number;
}

/** The window of one dimension that runs, and the one before it. */
export interface Windows {
  readonly dimension: UsageDimension;
  readonly window: UsageWindow;
  readonly lengthMs: number;
  /** How many windows of its length began before it since 1970. */
  readonly began: number;
  /** The writer, for the store. A window that is begun again counts from zero under a new writer. */
  readonly writer: string;
  readonly current: Table;
  readonly previous: Table | undefined;
}

export type Table = ReturnType<typeof topValues<Cell>>;

/** What is told of one name. */
export function usageRow(
  name: string,
  { calls, error, denied, failed, callers, latency }: Totals,
): UsageRow {
  const [p50, p95, p99] = [latency.at(0.5), latency.at(0.95), latency.at(0.99)];
  return {
    name,
    calls,
    error,
    denied,
    failed,
    callers: callers.count(),
    latencyMs: { p50, p95, p99 },
  };
}
