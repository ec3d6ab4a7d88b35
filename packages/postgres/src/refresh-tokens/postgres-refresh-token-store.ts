import type { RefreshTokenFamily, RefreshTokenStore } from '@apisec/core';
import { type ClockedStoreOptions, lifeUntil, present, presentParameter } from '../client/clock.ts';
import { countRows, firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';
import { sweepEnded } from '../client/sweeper.ts';

/** Options of {@link postgresRefreshTokenStore}. */
export type PostgresRefreshTokenStoreOptions = ClockedStoreOptions;

interface Row {
  readonly record: string;
  readonly ended: RefreshTokenFamily['ended'] | null;
}

/**
 * Keeps refresh tokens in PostgreSQL, for all processes: one statement for each step, so of many uses of a token
 * exactly one wins. It holds hashes only. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Families are
 * swept out when they have expired, as new ones come.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const issued = tokens({ issuer, audience, signing, store: postgresRefreshTokenStore(pool) });
 */
export function postgresRefreshTokenStore(
  client: PostgresClient,
  options: PostgresRefreshTokenStoreOptions = {},
): RefreshTokenStore {
  const table = `${schemaName('postgresRefreshTokenStore', options, ['now'])}.refresh_token_families`;
  const at = presentParameter('postgresRefreshTokenStore', options);
  const lifeOf = lifeUntil(options);
  const sweep = sweepEnded(client, table);
  const counted = (text: string, params: unknown[]): Promise<number> =>
    countRows(client, text, params);

  return Object.freeze<RefreshTokenStore>({
    insert: async (family) => {
      await sweep(at());
      const { id, current, subject, ended, expiresAt } = family;
      // Where the id is that of a family that has expired, it is free.
      const added = await counted(
        `INSERT INTO ${table} AS f (id, current, subject, ended, ends_at, record)
         VALUES ($1, $2, $3, $4, ${present('$7')} + $5::bigint, $6)
         ON CONFLICT (id) DO UPDATE SET current = EXCLUDED.current, subject = EXCLUDED.subject,
           ended = EXCLUDED.ended, ends_at = EXCLUDED.ends_at, record = EXCLUDED.record
         WHERE f.ends_at <= ${present('$7')}`,
        [
          await rowKey(id),
          await rowKey(current),
          await rowKey(subject),
          ended ?? null,
          lifeOf(expiresAt),
          JSON.stringify(family),
          at(),
        ],
      );
      return added === 1;
    },
    get: async (id) => {
      const row = await firstRow<Row>(
        client,
        `SELECT record, ended FROM ${table} WHERE id = $1 AND ends_at > ${present('$2')}`,
        [await rowKey(id), at()],
      );
      if (row === undefined) return undefined;
      // Only this store writes here.
      const family = JSON.parse(row.record) as RefreshTokenFamily;
      return row.ended === null ? family : { ...family, ended: row.ended };
    },
    replace: async (expected, next) => {
      const replaced = await counted(
        // A family ends as it was begun: the clock of this process says nothing about that.
        `UPDATE ${table} SET current = $3, record = $4
         WHERE id = $1 AND current = $2 AND ended IS NULL AND ends_at > ${present('$5')}`,
        [
          await rowKey(next.id),
          await rowKey(expected),
          await rowKey(next.current),
          JSON.stringify(next),
          at(),
        ],
      );
      return replaced === 1;
    },
    end: async (id, why) => {
      const ended = await counted(
        `UPDATE ${table} SET ended = $2 WHERE id = $1 AND ended IS NULL AND ends_at > ${present('$3')}`,
        [await rowKey(id), why, at()],
      );
      return ended === 1;
    },
    endSubject: async (subject) =>
      counted(
        `UPDATE ${table} SET ended = 'revoked'
         WHERE subject = $1 AND ended IS NULL AND ends_at > ${present('$2')}`,
        [await rowKey(subject), at()],
      ),
  });
}
