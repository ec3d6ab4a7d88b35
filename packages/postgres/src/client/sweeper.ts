import { presentAtStart } from './clock.ts';
import type { PostgresClient } from './postgres-client.ts';

/** Rows are added between two sweeps, one statement each. */
const SWEEP_EVERY = 100;

/** Rows that one sweep takes at the most. */
const SWEPT_AT_ONCE = 1_000;

/** Sweeps rows with a `key` out of a table, of which `ended` is true for those that have ended at `$1`. */
export function sweepRows(
  client: PostgresClient,
  table: string,
  ended: string,
): (at: unknown) => Promise<void> {
  // The condition stands twice: a row that was renewed meanwhile is looked at again before it goes.
  return sweeper(
    client,
    `DELETE FROM ${table} WHERE ${ended} AND key IN (
      SELECT key FROM ${table} WHERE ${ended} LIMIT ${SWEPT_AT_ONCE})`,
  );
}

/**
 * Sweeps rows out of a table that have ended at `ends_at`, the oldest first. What somebody else sweeps or renews just
 * now is left alone, so that no two wait for each other.
 *
 * @param id the column that tells rows apart.
 */
export function sweepEnded(
  client: PostgresClient,
  table: string,
  { id = 'id' }: { readonly id?: string } = {},
): (at: unknown) => Promise<void> {
  return sweeper(
    client,
    `DELETE FROM ${table} WHERE ${id} IN (
      SELECT ${id} FROM ${table} WHERE ends_at <= ${presentAtStart('$1')}
      ORDER BY ends_at LIMIT ${SWEPT_AT_ONCE} FOR UPDATE SKIP LOCKED)`,
  );
}

/**
 * Sweeps out what has ended, to be called before each row that is added: with the first one, then with every hundredth.
 *
 * @param text deletes what has ended at `$1`, or by the database's own clock where that is null.
 */
function sweeper(client: PostgresClient, text: string): (at: unknown) => Promise<void> {
  let added = 0;
  return async (at) => {
    if (added++ % SWEEP_EVERY === 0) await client.query(text, [at]);
  };
}
