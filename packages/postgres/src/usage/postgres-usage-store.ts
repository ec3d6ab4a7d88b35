import type { Duration, UsageRollup, UsageStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  decodeBase64url,
  durationMs,
  encodeBase64url,
} from '@apisec/core/host';
import { type ClockedStoreOptions, present, presentParameter } from '../client/clock.ts';
import { type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';

/** Options of {@link postgresUsageStore}. */
export interface PostgresUsageStoreOptions extends ClockedStoreOptions {
  /** How long roll-ups are kept. Default: minutes for two days, hours for 35, days for 400. */
  readonly keep?: Readonly<Partial<Record<UsageRollup['window'], Duration>>> | undefined;
  /** The most roll-ups that one question reads. Default: 20,000. */
  readonly maxRead?: number | undefined;
}

interface Row {
  readonly began: string | number;
  readonly name: string;
  readonly calls: string | number;
  readonly error: string | number;
  readonly denied: string | number;
  readonly failed: string | number;
  readonly callers: string;
  readonly latency: string;
}

const NAME = 'postgresUsageStore';
const KEPT: Readonly<Record<UsageRollup['window'], Duration>> = {
  minute: '2d',
  hour: '35d',
  day: '400d',
};
/** Each write takes away at least as many old rows as it may add, so that they never pile up. */
const SWEPT_AT_LEAST = 1_000;

/**
 * Keeps roll-ups of `usage` of `@apisec/insights` in PostgreSQL, for all processes and beyond their lives. Each write
 * is one statement, all or nothing; what is written again, or comes late, changes nothing. Old roll-ups are swept out
 * by the writes that follow. Run `migrate` first; needs SELECT, INSERT, UPDATE and DELETE. Give the pool a
 * `query_timeout`: the store rejects when the database does.
 *
 * Rejects with a `RangeError` where a question would read more than `maxRead` roll-ups.
 *
 * @throws ConfigurationError for a schema name that is not one, bounds that are not, and unknown options.
 * @example
 * const used = usage({ store: postgresUsageStore(pool) });
 */
export function postgresUsageStore(
  client: PostgresClient,
  options: PostgresUsageStoreOptions = {},
): UsageStore {
  const table = `${schemaName(NAME, options, ['now', 'keep', 'maxRead'])}.usage_rollups`;
  const { maxRead = 20_000, keep = {} } = options;
  assertConfiguration(
    Number.isSafeInteger(maxRead) && maxRead > 0,
    `${NAME}: maxRead must be a whole number, 1 or more.`,
  );
  assertKnownOptions(`${NAME}: keep`, keep, Object.keys(KEPT));
  const now = presentParameter(NAME, options);
  const ages = Object.entries(KEPT).map(([window, byDefault]) => {
    // The names are those of the table.
    const asked = keep[window as UsageRollup['window']] ?? byDefault;
    return `('${window}', ${durationMs(`${NAME}: keep`, window, asked, { min: '1m', max: '3660d' })}::bigint)`;
  });
  // `FOR UPDATE SKIP LOCKED`: writers that sweep at the same time do not wait for one another.
  const sweep = `DELETE FROM ${table} WHERE ctid IN (
    SELECT old.ctid FROM (VALUES ${ages.join(', ')}) AS kept (span, ms)
    JOIN ${table} AS old ON old.span = kept.span AND old.began < ${present('$1')} - kept.ms
    LIMIT $2 FOR UPDATE OF old SKIP LOCKED)`;
  const write = `INSERT INTO ${table} AS kept
    (dimension, span, began, key, writer, name, calls, error, denied, failed, callers, latency)
    SELECT dimension, span, began, key, $1, name, calls, error, denied, failed, callers, latency
    FROM jsonb_to_recordset($2::text::jsonb) AS given (dimension text, span text, began bigint, key text,
      name text, calls bigint, error bigint, denied bigint, failed bigint, callers text, latency text)
    ON CONFLICT (dimension, span, began, key, writer) DO UPDATE SET calls = excluded.calls,
      error = excluded.error, denied = excluded.denied, failed = excluded.failed,
      callers = excluded.callers, latency = excluded.latency
    WHERE kept.calls < excluded.calls`;
  const read = `SELECT began, name, calls, error, denied, failed, callers, latency
    FROM ${table} WHERE dimension = $1 AND span = $2 AND began >= $3 AND began < $4
    ORDER BY began, key, writer LIMIT ${maxRead + 1}`;

  return Object.freeze<UsageStore>({
    write: async (writer, rollups) => {
      if (rollups.length > 0) {
        const rows = await Promise.all(rollups.map(rowOf));
        await client.query(write, [writer, JSON.stringify(rows)]);
      }
      await client.query(sweep, [now(), Math.max(SWEPT_AT_LEAST, rollups.length)]);
    },
    read: async ({ dimension, window, from, to }) => {
      const { rows } = await client.query(read, [
        dimension,
        window,
        Math.ceil(from),
        Math.ceil(to),
      ]);
      if (rows.length > maxRead) {
        throw new RangeError(`${NAME}: more than ${maxRead} roll-ups; ask for a shorter time.`);
      }
      // What the statement selects.
      return rows.map((row) => rollupOf(row as Row, dimension, window));
    },
  });
}

async function rowOf(rollup: UsageRollup): Promise<object> {
  const { dimension, window, began, name, calls, error, denied, failed } = rollup;
  return {
    dimension,
    span: window,
    began,
    key: await rowKey(name),
    // As JSON: PostgreSQL holds neither NUL nor half a character.
    name: JSON.stringify(name),
    calls,
    error,
    denied,
    failed,
    callers: encodeBase64url(rollup.callers),
    latency: encodeBase64url(rollup.latency),
  };
}

function rollupOf(row: Row, dimension: string, window: UsageRollup['window']): UsageRollup {
  return {
    dimension,
    window,
    began: Number(row.began),
    // A text, written by `rowOf`.
    name: JSON.parse(row.name) as string,
    calls: Number(row.calls),
    error: Number(row.error),
    denied: Number(row.denied),
    failed: Number(row.failed),
    callers: bytesOf(row.callers),
    latency: bytesOf(row.latency),
  };
}

function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) throw new Error(`${NAME}: a stored sketch is not base64url`);
  return bytes;
}
