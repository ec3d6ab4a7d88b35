import type { PostgresClient } from './postgres-client.ts';

/** Rows are added between two sweeps, one statement each. */
const SWEEP_EVERY = 100;

/**
 * Sweeps out what has ended, to be called before each row that is added: with the first one, then with every hundredth.
 *
 * @param text deletes what has ended at `$1`.
 */
export function sweeper(client: PostgresClient, text: string): (at: unknown) => Promise<void> {
  let added = 0;
  return async (at) => {
    if (added++ % SWEEP_EVERY === 0) await client.query(text, [at]);
  };
}
