import type { TicketRecord, TicketStore } from '@apisec/core';
import {
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';
import { rowKey, rowTime } from '../client/row-key.ts';

/** Options of {@link postgresTicketStore}. */
export interface PostgresTicketStoreOptions extends SchemaOptions {
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A row as it is selected: the ticket as it was written. */
interface Row {
  readonly record: string;
}

/** Tickets that have expired are swept out by so many insertions, one statement each. */
const SWEEP_EVERY = 100;

/**
 * Keeps tickets in PostgreSQL, for all processes: one statement for each step, so of many who take a ticket exactly one
 * gets it. It holds hashes only. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Tickets that have expired
 * are swept out as new ones come.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const tickets = postgresTicketStore(pool);
 */
export function postgresTicketStore(
  client: PostgresClient,
  options: PostgresTicketStoreOptions = {},
): TicketStore {
  const table = `${schemaName('postgresTicketStore', options, ['now'])}.tickets`;
  const { now = () => Date.now() } = options;
  let inserted = 0;
  const rows = async (text: string, params: unknown[]): Promise<readonly unknown[]> =>
    (await client.query(text, params)).rows;

  return Object.freeze<TicketStore>({
    insert: async (ticket) => {
      if (inserted++ % SWEEP_EVERY === 0) {
        await client.query(`DELETE FROM ${table} WHERE ends_at <= $1`, [now()]);
      }
      const { id, purpose, subject, expiresAt } = ticket;
      // Where the id is that of a ticket that has expired, it is free.
      const added = await rows(
        `INSERT INTO ${table} AS t (id, purpose, subject, ends_at, record)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET purpose = EXCLUDED.purpose, subject = EXCLUDED.subject,
           ends_at = EXCLUDED.ends_at, record = EXCLUDED.record
         WHERE t.ends_at <= $6 RETURNING 1`,
        [
          await rowKey(id),
          await rowKey(purpose),
          subject === undefined ? null : await rowKey(subject),
          rowTime(expiresAt),
          JSON.stringify(ticket),
          now(),
        ],
      );
      return added.length === 1;
    },
    read: async (id) => {
      const row = await firstRow<Row>(
        client,
        `SELECT record FROM ${table} WHERE id = $1 AND ends_at > $2`,
        [await rowKey(id), now()],
      );
      return row && readRow(row);
    },
    take: async (id) => {
      const row = await firstRow<Row>(
        client,
        `DELETE FROM ${table} WHERE id = $1 AND ends_at > $2 RETURNING record`,
        [await rowKey(id), now()],
      );
      return row && readRow(row);
    },
    removeBySubject: async (purpose, subject) => {
      const removed = await rows(
        `DELETE FROM ${table} WHERE purpose = $1 AND subject = $2 AND ends_at > $3 RETURNING 1`,
        [await rowKey(purpose), await rowKey(subject), now()],
      );
      return removed.length;
    },
  });
}

function readRow({ record }: Row): TicketRecord {
  // Only this store writes here.
  return JSON.parse(record) as TicketRecord;
}
