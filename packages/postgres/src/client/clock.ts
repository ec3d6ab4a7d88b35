import { assertConfiguration } from '@apisec/core/host';
import type { SchemaOptions } from './postgres-client.ts';
import { rowTime } from './row-key.ts';

/** Options of stores that go by a clock. */
export interface ClockedStoreOptions extends SchemaOptions {
  /** Epoch milliseconds, for tests. Default: the clock of the database, which is one for all nodes. */
  readonly now?: (() => number) | undefined;
}

/** What stands for the present in a statement: the parameter with `placeholder`, or the database's own clock. */
export function present(placeholder: string): string {
  return `coalesce(${placeholder}::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;
}

/** The same as of the beginning of a statement: what does not move can be looked up in an index. */
export function presentAtStart(placeholder: string): string {
  return `coalesce(${placeholder}::bigint, (extract(epoch FROM statement_timestamp()) * 1000)::bigint)`;
}

/** The parameter for {@link present}. */
export function presentParameter(where: string, { now }: ClockedStoreOptions): () => number | null {
  assertConfiguration(
    now === undefined || typeof now === 'function',
    `${where}: now must be a function that answers epoch milliseconds.`,
  );
  return () => (now === undefined ? null : Math.floor(now()));
}

/**
 * How long until a record ends, by the clock of the process that made the record. Its row ends as long after the
 * present of the database: so a process whose clock is wrong neither ends the rows of others nor keeps its own.
 */
export function lifeUntil({ now = Date.now }: ClockedStoreOptions): (end: number) => number {
  return (end) => rowTime(end) - Math.floor(now());
}

/** A lifetime as a column holds it; for ever is what no clock will reach. */
export function lifetime(where: string, ttl: number): number {
  if (!(ttl > 0)) throw new RangeError(`${where}: ttl must be above 0.`);
  return Math.ceil(Math.min(ttl, Number.MAX_SAFE_INTEGER));
}
