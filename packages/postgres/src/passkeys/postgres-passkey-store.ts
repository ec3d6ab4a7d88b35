import type { PasskeyRecord, PasskeyStore } from '@apisec/core';
import {
  countRows,
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';
import { rowKey, rowTime } from '../client/row-key.ts';

/** What changes has a column; drivers give large integers as text. */
interface Row {
  readonly record: string;
  readonly counter: number | string;
  readonly backed_up: boolean;
  readonly label: string;
  readonly last_used_at: number | string | null;
}

const COLUMNS = 'record, counter, backed_up, label, last_used_at';

/**
 * Keeps passkeys in PostgreSQL, for all processes: one statement for each step, so a count is taken once. Run `migrate`
 * first; needs SELECT, INSERT, UPDATE and DELETE.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const keys = passkeys({ rpId, rpName, origins, tickets, store: postgresPasskeyStore(pool) });
 */
export function postgresPasskeyStore(
  client: PostgresClient,
  options: SchemaOptions = {},
): PasskeyStore {
  const table = `${schemaName('postgresPasskeyStore', options)}.passkeys`;
  const counted = (text: string, params: unknown[]): Promise<number> =>
    countRows(client, text, params);

  return Object.freeze<PasskeyStore>({
    insert: async (passkey) => {
      const { id, subject, counter, backedUp, label, createdAt, lastUsedAt } = passkey;
      const added = await counted(
        `INSERT INTO ${table}
           (id, subject, counter, backed_up, label, created_at, last_used_at, record)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
        [
          await rowKey(id),
          await rowKey(subject),
          counter,
          backedUp,
          JSON.stringify(label),
          rowTime(createdAt),
          lastUsedAt === undefined ? null : rowTime(lastUsedAt),
          JSON.stringify(passkey),
        ],
      );
      return added === 1;
    },
    get: async (id) => {
      const row = await firstRow<Row>(client, `SELECT ${COLUMNS} FROM ${table} WHERE id = $1`, [
        await rowKey(id),
      ]);
      return row && readRow(row);
    },
    list: async (subject) => {
      const { rows } = await client.query(
        `SELECT ${COLUMNS} FROM ${table} WHERE subject = $1 ORDER BY created_at, id`,
        [await rowKey(subject)],
      );
      // What the statement selects.
      return rows.map((row) => readRow(row as Row));
    },
    use: async (id, { counter, backedUp, at }) => {
      const used = await counted(
        `UPDATE ${table} SET counter = $2, backed_up = $3, last_used_at = $4
         WHERE id = $1 AND ($2 > counter OR ($2 = 0 AND counter = 0))`,
        [await rowKey(id), counter, backedUp, rowTime(at)],
      );
      return used === 1;
    },
    rename: async (subject, id, label) => {
      const named = await counted(`UPDATE ${table} SET label = $3 WHERE subject = $1 AND id = $2`, [
        await rowKey(subject),
        await rowKey(id),
        JSON.stringify(label),
      ]);
      return named === 1;
    },
    remove: async (subject, id) => {
      const removed = await counted(`DELETE FROM ${table} WHERE subject = $1 AND id = $2`, [
        await rowKey(subject),
        await rowKey(id),
      ]);
      return removed === 1;
    },
    removeBySubject: async (subject) =>
      counted(`DELETE FROM ${table} WHERE subject = $1`, [await rowKey(subject)]),
  });
}

function readRow(row: Row): PasskeyRecord {
  // Only this store writes here.
  const passkey = JSON.parse(row.record) as PasskeyRecord;
  return {
    ...passkey,
    counter: Number(row.counter),
    backedUp: row.backed_up,
    label: JSON.parse(row.label) as string,
    lastUsedAt: row.last_used_at === null ? undefined : Number(row.last_used_at),
  };
}
