import type { TotpRecord, TotpStore } from '@apisec/core';
import {
  countRows,
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';

/**
 * Keeps second factors in PostgreSQL, for all processes: one statement for each step, so of many equal codes at the
 * same moment exactly one is taken. Secrets come encrypted and backup codes as keyed hashes, and so they are stored.
 * Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const factors = totp({ issuer: 'Acme', store: postgresTotpStore(pool), sealingKeys });
 */
export function postgresTotpStore(client: PostgresClient, options: SchemaOptions = {}): TotpStore {
  const table = `${schemaName('postgresTotpStore', options)}.totp`;
  const counted = async (text: string, params: unknown[]): Promise<boolean> =>
    (await countRows(client, text, params)) === 1;

  return Object.freeze<TotpStore>({
    get: async (account) => {
      const row = await firstRow<{ readonly record: string }>(
        client,
        `SELECT record FROM ${table} WHERE account = $1`,
        [await rowKey(account)],
      );
      // Only this store writes here.
      return row && (JSON.parse(row.record) as TotpRecord);
    },
    insert: async (record) =>
      counted(
        `INSERT INTO ${table} (account, version, record) VALUES ($1, $2, $3)
         ON CONFLICT (account) DO NOTHING`,
        [await rowKey(record.account), await rowKey(record.version), JSON.stringify(record)],
      ),
    replace: async (record, expected) =>
      counted(`UPDATE ${table} SET version = $3, record = $4 WHERE account = $1 AND version = $2`, [
        await rowKey(record.account),
        await rowKey(expected),
        await rowKey(record.version),
        JSON.stringify(record),
      ]),
    now: async () => {
      const row = await firstRow<{ readonly at: number | string }>(
        client,
        'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at',
        [],
      );
      return Number(row?.at);
    },
    remove: async (account) =>
      counted(`DELETE FROM ${table} WHERE account = $1`, [await rowKey(account)]),
  });
}
