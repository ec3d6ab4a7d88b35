import type { RevocationStore } from '@apisec/core';
import { type ClockedStoreOptions, lifetime, present, presentParameter } from '../client/clock.ts';
import { firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';
import { sweepEnded } from '../client/sweeper.ts';

const NAME = 'postgresRevocationStore';

/**
 * Keeps revocations in PostgreSQL, for all processes and restarts: one statement for each look-up however many keys,
 * and an end to each entry by the database's clock. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Give
 * the pool a `query_timeout`: the store rejects when the database does.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * requireNotRevoked({ store: postgresRevocationStore(pool) });
 */
export function postgresRevocationStore(
  client: PostgresClient,
  options: ClockedStoreOptions = {},
): RevocationStore {
  const table = `${schemaName(NAME, options, ['now'])}.revocations`;
  const at = presentParameter(NAME, options);
  const now = present('$1');
  const end = 'coalesce(greatest(all_until, before_until), 0)';
  const sweep = sweepEnded(client, table, { id: 'key', end });
  const revokeAll = `INSERT INTO ${table} AS r (key, all_until) VALUES ($2, ${now} + $3::bigint)
    ON CONFLICT (key) DO UPDATE SET all_until = greatest(r.all_until, EXCLUDED.all_until)`;
  const revokeBefore = `INSERT INTO ${table} AS r (key, before_until, issued_before)
    VALUES ($2, ${now} + $3::bigint, $4::float8)
    ON CONFLICT (key) DO UPDATE SET before_until = greatest(r.before_until, EXCLUDED.before_until),
      issued_before = CASE WHEN r.before_until > ${now}
        THEN greatest(r.issued_before, EXCLUDED.issued_before) ELSE EXCLUDED.issued_before END`;
  const lift = `UPDATE ${table} SET all_until = NULL WHERE key = $1`;
  const look = `SELECT 1 FROM ${table}
    WHERE key IN (SELECT jsonb_array_elements_text($2::jsonb))
      AND (all_until > ${now} OR (before_until > ${now} AND issued_before > $3::float8)) LIMIT 1`;
  return Object.freeze<RevocationStore>({
    revoke: async ({ key, issuedBefore, ttl }) => {
      const life = lifetime(NAME, ttl);
      if (Number.isNaN(issuedBefore)) throw new RangeError(`${NAME}: issuedBefore must be a time.`);
      await sweep(at());
      const row = [at(), await rowKey(key), life];
      if (issuedBefore === undefined) await client.query(revokeAll, row);
      else await client.query(revokeBefore, [...row, String(issuedBefore)]);
    },
    lift: async (key) => {
      await client.query(lift, [await rowKey(key)]);
    },
    isRevoked: async (keys, issuedAt) => {
      if (keys.length === 0) return false;
      const names = await Promise.all(keys.map(rowKey));
      // What is no number was issued before everything; PostgreSQL has NaN behind everything.
      const issued = Number.isNaN(issuedAt) ? '-Infinity' : String(issuedAt);
      const params = [at(), JSON.stringify(names), issued];
      return (await firstRow(client, look, params)) !== undefined;
    },
  });
}
