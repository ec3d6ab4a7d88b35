import type { SessionRecord, SessionStore } from '@apisec/core';
import {
  type ClockedStoreOptions,
  lifetime,
  lifeUntil,
  present,
  presentParameter,
} from '../client/clock.ts';
import { countRows, firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';
import { sweepEnded } from '../client/sweeper.ts';

/** Options of {@link postgresSessionStore}. */
export type PostgresSessionStoreOptions = ClockedStoreOptions;

/** A row as it is selected: the session as it was written. */
interface Row {
  readonly record: string;
}

/**
 * Keeps sessions of browsers in PostgreSQL, for all processes: one statement for each step, atomic by the row's lock.
 * It holds hashes and encrypted tokens only. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Sessions
 * that have ended are swept out as new ones come.
 *
 * Ends go by the clock of the database: a session lasts as long as the process says that wrote it last, and never
 * longer than the one said that created it, whatever the clocks of processes show.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const store = postgresSessionStore(pool);
 */
export function postgresSessionStore(
  client: PostgresClient,
  options: PostgresSessionStoreOptions = {},
): SessionStore {
  const schema = schemaName('postgresSessionStore', options, ['now']);
  const table = `${schema}.sessions`;
  const ends = `${schema}.session_ends`;
  const at = presentParameter('postgresSessionStore', options);
  const lifeOf = lifeUntil(options);
  const sweep = sweepEnded(client, table);
  const sweepEnds = sweepEnded(client, ends, { id: 'key' });
  const rows = async (text: string, params: unknown[]): Promise<readonly unknown[]> =>
    (await client.query(text, params)).rows;
  const counted = (text: string, params: unknown[]): Promise<number> =>
    countRows(client, text, params);
  const removed = (where: string, params: unknown[]): Promise<number> =>
    counted(`DELETE FROM ${table} WHERE ends_at > ${present('$1')} AND ${where}`, [
      at(),
      ...params,
    ]);

  return Object.freeze({
    create: async (session) => {
      await sweep(at());
      const { id, version, issuer, subject, sid, createdAt } = session;
      // Where the id is that of a session that has ended, it is free.
      const inserted = await counted(
        `INSERT INTO ${table} AS s
           (id, version, issuer, subject, sid, created_at, ends_at, record, last_end)
         VALUES ($1, $2, $3, $4, $5, $6, ${present('$9')} + $7::bigint, $8,
           ${present('$9')} + $10::bigint)
         ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version, issuer = EXCLUDED.issuer,
           subject = EXCLUDED.subject, sid = EXCLUDED.sid, created_at = EXCLUDED.created_at,
           ends_at = EXCLUDED.ends_at, last_end = EXCLUDED.last_end, record = EXCLUDED.record,
           lease_holder = NULL, lease_until = NULL
         WHERE s.ends_at <= ${present('$9')}`,
        [
          await rowKey(id),
          version,
          await rowKey(issuer),
          await rowKey(subject),
          sid === undefined ? null : await rowKey(sid),
          Math.floor(createdAt),
          lifeOf(endOf(session)),
          JSON.stringify(session),
          at(),
          lifeOf(session.expiresAt),
        ],
      );
      return inserted === 1;
    },
    read: async (id) => {
      const row = await firstRow<Row>(
        client,
        `SELECT record FROM ${table} WHERE id = $1 AND ends_at > ${present('$2')}`,
        [await rowKey(id), at()],
      );
      return row && readRow(row);
    },
    replace: async (expected, next) => {
      const replaced = await counted(
        `UPDATE ${table} SET version = $3, record = $5,
           ends_at = least(last_end, ${present('$6')} + $4::bigint)
         WHERE id = $1 AND version = $2 AND ends_at > ${present('$6')}`,
        [
          await rowKey(next.id),
          expected,
          next.version,
          lifeOf(endOf(next)),
          JSON.stringify(next),
          at(),
        ],
      );
      return replaced === 1;
    },
    delete: async (id, expected) => {
      const count =
        expected === undefined
          ? await removed('id = $2', [await rowKey(id)])
          : await removed('id = $2 AND version = $3', [await rowKey(id), expected]);
      return count === 1;
    },
    deleteBySubject: async (issuer, subject, except) =>
      except === undefined
        ? removed('issuer = $2 AND subject = $3', [await rowKey(issuer), await rowKey(subject)])
        : removed('issuer = $2 AND subject = $3 AND id <> $4', [
            await rowKey(issuer),
            await rowKey(subject),
            await rowKey(except),
          ]),
    deleteBySid: async (issuer, sid) =>
      removed('issuer = $2 AND sid = $3', [await rowKey(issuer), await rowKey(sid)]),
    markEnded: async (key, endedAt, ttlMs) => {
      await sweepEnds(at());
      await client.query(
        `INSERT INTO ${ends} AS e (key, ended_at, ends_at) VALUES ($1, $2, ${present('$4')} + $3::bigint)
         ON CONFLICT (key) DO UPDATE SET ends_at = greatest(e.ends_at, EXCLUDED.ends_at),
           ended_at = CASE WHEN e.ends_at > ${present('$4')} THEN greatest(e.ended_at, EXCLUDED.ended_at)
             ELSE EXCLUDED.ended_at END`,
        [await rowKey(key), endedAt, lifetime('postgresSessionStore', ttlMs), at()],
      );
    },
    endedAt: async (keys) => {
      const names = JSON.stringify(await Promise.all(keys.map(rowKey)));
      const row = await firstRow<{ readonly ended_at: number | null }>(
        client,
        `SELECT max(ended_at) AS ended_at FROM ${ends}
         WHERE key IN (SELECT jsonb_array_elements_text($1::jsonb)) AND ends_at > ${present('$2')}`,
        [names, at()],
      );
      return row?.ended_at ?? undefined;
    },
    list: async (issuer, subject) => {
      const found = await rows(
        `SELECT record FROM ${table} WHERE issuer = $1 AND subject = $2 AND ends_at > ${present('$3')}
         ORDER BY created_at DESC`,
        [await rowKey(issuer), await rowKey(subject), at()],
      );
      // What the statement selects.
      return found.map((row) => readRow(row as Row));
    },
    acquireLease: async (id, holder, ttlMs) => {
      const taken = await counted(
        `UPDATE ${table} SET lease_holder = $2, lease_until = ${present('$4')} + $3::bigint
         WHERE id = $1 AND ends_at > ${present('$4')}
           AND (lease_holder IS NULL OR lease_holder = $2 OR lease_until <= ${present('$4')})`,
        [await rowKey(id), holder, Math.ceil(ttlMs), at()],
      );
      return taken === 1;
    },
    releaseLease: async (id, holder) => {
      await client.query(
        `UPDATE ${table} SET lease_holder = NULL, lease_until = NULL
         WHERE id = $1 AND lease_holder = $2`,
        [await rowKey(id), holder],
      );
    },
  } satisfies SessionStore);
}

function endOf({ idleUntil, expiresAt }: SessionRecord): number {
  return Math.min(idleUntil, expiresAt);
}

function readRow({ record }: Row): SessionRecord {
  // Only this store writes here.
  return JSON.parse(record) as SessionRecord;
}
