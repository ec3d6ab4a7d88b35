import type { ReplayStore } from '@apisec/core';
import { type ClockedStoreOptions, lifetime, present, presentParameter } from '../client/clock.ts';
import { firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';
import { sweepEnded } from '../client/sweeper.ts';

const NAME = 'postgresReplayStore';

/**
 * Remembers in PostgreSQL what was used once, for all processes and restarts: one statement for each key, so of many
 * equal calls exactly one learns that the key is new. Times go by the database's clock. Run `migrate` first; needs
 * SELECT, INSERT, UPDATE and DELETE. Give the pool a `query_timeout`: the store rejects when the database does.
 *
 * It writes for every key, so for proofs of many calls a second take `redisReplayStore`; this one suits webhooks,
 * assertions of clients, and whoever has no Redis.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * requireDpop({ publicOrigin: 'https://api.example.com', replay: postgresReplayStore(pool) });
 */
export function postgresReplayStore(
  client: PostgresClient,
  options: ClockedStoreOptions = {},
): ReplayStore {
  const table = `${schemaName(NAME, options, ['now'])}.replays`;
  const at = presentParameter(NAME, options);
  const sweep = sweepEnded(client, table, { id: 'key' });
  const put = `INSERT INTO ${table} AS r (key, ends_at)
    VALUES ($1, ${present('$2')} + $3::bigint)
    ON CONFLICT (key) DO UPDATE SET ends_at = EXCLUDED.ends_at WHERE r.ends_at <= ${present('$2')}
    RETURNING 1`;
  return Object.freeze<ReplayStore>({
    putIfAbsent: async (key, ttl) => {
      const life = lifetime(NAME, ttl);
      await sweep(at());
      return (await firstRow(client, put, [await rowKey(key), at(), life])) !== undefined;
    },
  });
}
