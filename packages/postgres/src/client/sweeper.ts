import { presentAtStart } from './clock.ts';
import type { PostgresClient } from './postgres-client.ts';

/** Rows are added between two sweeps, one statement each. */
const SWEEP_EVERY = 100;

/** Rows that one sweep takes at the most. */
const SWEPT_AT_ONCE = 1_000;

/** Which columns of a table tell rows apart, and when they have ended. */
interface SweptColumns {
  readonly id?: string;
  /** As its index has it, or the whole table is read. */
  readonly end?: string;
}

/**
 * Sweeps rows out of a table that have ended, the oldest first, to be called before each row that is added: with the
 * first one, then with every hundredth. What somebody else sweeps or renews just now is left alone, so that no two wait
 * for each other. It takes the present, or null for that of the database.
 */
export function sweepEnded(
  client: PostgresClient,
  table: string,
  { id = 'id', end = 'ends_at' }: SweptColumns = {},
): (at: unknown) => Promise<void> {
  const text = `DELETE FROM ${table} WHERE ${id} IN (
    SELECT ${id} FROM ${table} WHERE ${end} <= ${presentAtStart('$1')}
    ORDER BY ${end} LIMIT ${SWEPT_AT_ONCE} FOR UPDATE SKIP LOCKED)`;
  let added = 0;
  return async (at) => {
    if (added++ % SWEEP_EVERY === 0) await client.query(text, [at]);
  };
}
