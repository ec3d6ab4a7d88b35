import type { TicketRecord, TicketStore } from '@apisec/core';
import { type ClockedStoreOptions, lifeUntil, present, presentParameter } from '../client/clock.ts';
import { countRows, firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';
import { sweepEnded } from '../client/sweeper.ts';

/** Options of {@link postgresTicketStore}. */
export type PostgresTicketStoreOptions = ClockedStoreOptions;

/** A row as it is selected: the ticket as it was written. */
interface Row {
  readonly record: string;
}

/**
 * Keeps tickets in PostgreSQL, for all processes: one statement for each step, so of many who take a ticket exactly one
 * gets it. It holds hashes only. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Tickets that have
 * expired are swept out as new ones come.
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
  const at = presentParameter('postgresTicketStore', options);
  const lifeOf = lifeUntil(options);
  const sweep = sweepEnded(client, table);

  return Object.freeze<TicketStore>({
    insert: async (ticket) => {
      await sweep(at());
      const { id, purpose, subject, expiresAt } = ticket;
      // Where the id is that of a ticket that has expired, it is free.
      const added = await countRows(
        client,
        `INSERT INTO ${table} AS t (id, purpose, subject, ends_at, record)
         VALUES ($1, $2, $3, ${present('$6')} + $4::bigint, $5)
         ON CONFLICT (id) DO UPDATE SET purpose = EXCLUDED.purpose, subject = EXCLUDED.subject,
           ends_at = EXCLUDED.ends_at, record = EXCLUDED.record
         WHERE t.ends_at <= ${present('$6')}`,
        [
          await rowKey(id),
          await rowKey(purpose),
          subject === undefined ? null : await rowKey(subject),
          lifeOf(expiresAt),
          JSON.stringify(ticket),
          at(),
        ],
      );
      return added === 1;
    },
    read: async (id) => {
      const row = await firstRow<Row>(
        client,
        `SELECT record FROM ${table} WHERE id = $1 AND ends_at > ${present('$2')}`,
        [await rowKey(id), at()],
      );
      return row && readRow(row);
    },
    take: async (id) => {
      const row = await firstRow<Row>(
        client,
        `DELETE FROM ${table} WHERE id = $1 AND ends_at > ${present('$2')} RETURNING record`,
        [await rowKey(id), at()],
      );
      return row && readRow(row);
    },
    removeBySubject: async (purpose, subject) =>
      countRows(
        client,
        `DELETE FROM ${table} WHERE purpose = $1 AND subject = $2 AND ends_at > ${present('$3')}`,
        [await rowKey(purpose), await rowKey(subject), at()],
      ),
  });
}

function readRow({ record }: Row): TicketRecord {
  // Only this store writes here.
  return JSON.parse(record) as TicketRecord;
}
