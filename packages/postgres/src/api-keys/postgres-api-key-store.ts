import type {
  ApiKeyOwner,
  ApiKeyQuery,
  ApiKeyRecord,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyTerms,
  ApiKeyUse,
  NamedQuota,
  QuotaCharge,
  QuotaUsage,
  QuotaVerdict,
} from '@apisec/core';
import {
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';

/** A row as `selected` reads it. */
interface ApiKeyRow {
  readonly id: string;
  readonly namespace: string;
  readonly tenant: string | null;
  readonly owner_type: ApiKeyOwner['type'];
  readonly owner_id: string;
  readonly name: string;
  readonly status: ApiKeyStatus;
  readonly reason: string | null;
  readonly secret_hash: string;
  readonly secret_pepper: string;
  readonly previous_hash: string | null;
  readonly previous_pepper: string | null;
  readonly previous_until: number | null;
  readonly previous_used_at: number | null;
  readonly generation: number;
  /** JSON. */
  readonly terms: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly version: number;
}

type Column = keyof ApiKeyRow;

/** What a replacement changes; in the order of its parameters, behind id and version. */
const REPLACED: readonly Column[] = [
  'name',
  'status',
  'reason',
  'secret_hash',
  'secret_pepper',
  'previous_hash',
  'previous_pepper',
  'previous_until',
  'generation',
  'terms',
  'updated_at',
  'expires_at',
];
const COLUMNS: readonly Column[] = [
  'id',
  'namespace',
  'tenant',
  'owner_type',
  'owner_id',
  ...REPLACED,
  'previous_used_at',
  'created_at',
  'last_used_at',
  'version',
];
/** Drivers differ in what they make of bigint and jsonb; of float8 and text they all make the same. */
const CASTS: Partial<Readonly<Record<Column, string>>> = {
  terms: 'text',
  previous_until: 'float8',
  previous_used_at: 'float8',
  created_at: 'float8',
  updated_at: 'float8',
  expires_at: 'float8',
  last_used_at: 'float8',
};

/**
 * Keeps API keys in PostgreSQL. Races are decided by the database: a rotation is one `UPDATE` on the version
 * that was read, quota use one `UPDATE` that finds room or no row, in windows by the database's clock. Call {@link
 * migrate} first. Made for `READ COMMITTED`, the default isolation.
 *
 * Give the pool a `connectionTimeoutMillis` and a `query_timeout` near the `storeTimeout` of the keys: nobody
 * waits for a statement longer than that, but without them it keeps its connection, or its place in the pool's
 * line, until it ends.
 *
 * @throws ConfigurationError for a schema name that is none.
 * @example
 * const timeouts = { connectionTimeoutMillis: 2_000, query_timeout: 2_000 };
 * const store = postgresApiKeyStore(new pg.Pool({ connectionString, ...timeouts }));
 * const keys = apiKeys({ prefix: 'acme', environment: 'live', store, peppers });
 */
export function postgresApiKeyStore(
  client: PostgresClient,
  options: SchemaOptions = {},
): ApiKeyStore {
  const schema = schemaName('postgresApiKeyStore', options);
  const table = `${schema}.api_keys`;
  const usage = `${schema}.api_key_usage`;
  const selected = COLUMNS.map((column) =>
    column in CASTS ? `${column}::${CASTS[column]} AS ${column}` : column,
  ).join(', ');
  const get = `SELECT ${selected} FROM ${table} WHERE id = $1`;
  const insert = `WITH added AS (
      INSERT INTO ${table} (${COLUMNS.join(', ')})
      VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
      ON CONFLICT (id) DO NOTHING RETURNING id
    ) INSERT INTO ${usage} (key_id, counters) SELECT id, '{}' FROM added RETURNING key_id`;
  const replace = `UPDATE ${table} SET ${replacements()}, version = version + 1
    WHERE id = $1 AND version = $2 RETURNING id`;
  const touch = (column: string, condition: string): string =>
    `UPDATE ${table} SET ${column} = $2::bigint
    WHERE id = $1 AND ${condition} (${column} IS NULL OR ${column} <= $2::bigint - $3::bigint)`;
  const touchCurrent = touch('last_used_at', '');
  const touchPrevious = touch('previous_used_at', 'previous_hash IS NOT NULL AND');
  const consume = `UPDATE ${usage} u SET counters = u.counters || (
      SELECT jsonb_object_agg(name, jsonb_build_array(started, used)) FROM ${charged('$2')} c)
    WHERE u.key_id = $1 AND NOT EXISTS (SELECT FROM ${charged('$2')} c WHERE used > quota)
    RETURNING u.counters::text AS counters`;
  const counters = `SELECT counters::text AS counters, ${NOW}::float8 AS now FROM ${usage}
    WHERE key_id = $1`;
  const reset = `UPDATE ${usage} SET counters = CASE WHEN $2::jsonb IS NULL THEN '{}'
      ELSE counters - ARRAY(SELECT jsonb_array_elements_text($2::jsonb)) END
    WHERE key_id = $1 RETURNING key_id`;

  return Object.freeze({
    insert: async (record) => {
      const values = valuesOf(record);
      const params = COLUMNS.map((column) => values[column] ?? null);
      return (await firstRow(client, insert, params)) !== undefined;
    },
    get: async (id) => {
      const row = await firstRow<ApiKeyRow>(client, get, [id]);
      return row && recordOf(row);
    },
    replace: async (record) => {
      const values = valuesOf(record);
      const changed = REPLACED.map((column) => values[column] ?? null);
      const params = [record.id, record.version, ...changed];
      return (await firstRow(client, replace, params)) !== undefined;
    },
    list: async ({ namespace, tenant, owner, after = '', limit }: ApiKeyQuery) => {
      const params: unknown[] = [namespace, after, limit];
      const bind = (value: string): string => `$${params.push(value)}`;
      // Not IS NOT DISTINCT FROM, which uses no index.
      const ofTenant = tenant === undefined ? 'tenant IS NULL' : `tenant = ${bind(tenant)}`;
      const ofOwner =
        owner === undefined
          ? ''
          : `AND owner_type = ${bind(owner.type)} AND owner_id = ${bind(owner.id)}`;
      const { rows } = await client.query(
        `SELECT ${selected} FROM ${table}
        WHERE namespace = $1 AND ${ofTenant} ${ofOwner} AND id > $2 ORDER BY id LIMIT $3`,
        params,
      );
      return rows.map((row) => recordOf(row as ApiKeyRow));
    },
    touch: async ({ id, secret, at, interval }: ApiKeyUse) => {
      const statement = secret === 'current' ? touchCurrent : touchPrevious;
      await client.query(statement, [id, at, Math.max(interval, 1)]);
    },
    consume: async (id, charges) => {
      if (charges.length === 0) return { ok: true, remaining: {} };
      const wanted = charges.map(({ name, cost, limit, window }) => ({
        name,
        cost,
        quota: limit,
        span: window,
      }));
      const taken = await firstRow<UsageRow>(client, consume, [id, JSON.stringify(wanted)]);
      if (taken !== undefined) {
        const used = countersOf(taken);
        const remaining = charges.map(({ name, limit }) => [name, limit - (used[name]?.[1] ?? 0)]);
        return { ok: true, remaining: Object.fromEntries(remaining) as Record<string, number> };
      }
      // Only to say which: the denial stands, whatever has changed since.
      return shortage(charges, await firstRow<TimedUsageRow>(client, counters, [id]));
    },
    readUsage: async (id, quotas, at) => {
      const row = await firstRow<TimedUsageRow>(client, counters, [id]);
      return quotas.map((quota) => usageOf(quota, row, at));
    },
    resetUsage: async (id, names) => {
      const params = [id, names === undefined ? null : JSON.stringify(names)];
      return (await firstRow(client, reset, params)) !== undefined;
    },
  } satisfies ApiKeyStore);
}

/** `$1` is the id, `$2` the version; when secrets were used is not the caller's to say. */
function replacements(): string {
  const assigned = REPLACED.map((column, index) => `${column} = $${index + 3}`);
  const previous = `$${REPLACED.indexOf('previous_hash') + 3}`;
  return [
    ...assigned,
    `previous_used_at = CASE WHEN previous_hash = ${previous}::text THEN previous_used_at END`,
  ].join(', ');
}

/** The database's clock: those of nodes differ, and a window that one of them opens is everybody's. */
const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/**
 * What the counters of row `u` would be after the charges in a parameter. It names the row's own columns, so
 * that the database works it out anew when it had to wait for another update of the row. A window further ahead than
 * the next one came from a clock that was wrong: what was counted in it counts now.
 */
function charged(parameter: string): string {
  return `(SELECT w.name, w.quota, s.started,
      w.cost + CASE WHEN k.started >= s.started THEN k.used ELSE 0 END AS used
    FROM jsonb_to_recordset(${parameter}::jsonb)
      AS w(name text, cost bigint, quota bigint, span bigint),
    LATERAL (SELECT (u.counters -> w.name ->> 0)::bigint AS started,
      (u.counters -> w.name ->> 1)::bigint AS used) k,
    LATERAL (SELECT ${NOW} / w.span * w.span AS started) n,
    LATERAL (SELECT CASE WHEN k.started > n.started + w.span THEN n.started
      ELSE greatest(n.started, k.started) END AS started) s)`;
}

interface UsageRow {
  /** JSON. */
  readonly counters: string;
}

interface TimedUsageRow extends UsageRow {
  /** Epoch milliseconds by the database's clock. */
  readonly now: number;
}

type Counters = Readonly<Record<string, readonly [startedAt: number, used: number]>>;

function countersOf(row: UsageRow | undefined): Counters {
  // Written by `consume` alone.
  return row === undefined ? {} : (JSON.parse(row.counters) as Counters);
}

const UNUSED: readonly [number, number] = [Number.NEGATIVE_INFINITY, 0];

/** The same as in SQL. `at` is for ids without a row. */
function usageOf(
  { name, window }: NamedQuota,
  row: TimedUsageRow | undefined,
  at: number,
): QuotaUsage {
  const counters = countersOf(row);
  // A quota may be called "constructor".
  const [known, count] = (Object.hasOwn(counters, name) ? counters[name] : undefined) ?? UNUSED;
  const current = Math.floor((row?.now ?? at) / window) * window;
  const started = known > current + window ? current : Math.max(current, known);
  return { used: known >= started ? count : 0, resetsAt: started + window };
}

function shortage(charges: readonly QuotaCharge[], row: TimedUsageRow | undefined): QuotaVerdict {
  const found = charges.map((charge) => {
    const { name, cost, limit } = charge;
    const { used, resetsAt } = usageOf(charge, row, 0);
    const isUseless = row === undefined || cost > limit;
    return { name, short: used + cost > limit, resetsAt: isUseless ? undefined : resetsAt };
  });
  const { name = '', resetsAt } = found.find(({ short }) => short) ?? found[0] ?? {};
  return { ok: false, name, resetsAt };
}

function valuesOf(record: ApiKeyRecord): Readonly<Record<Column, string | number | undefined>> {
  const { owner, secret, previous } = record;
  const { scopes, roles, limits, quotas, allowedPeers, publishable, metadata } = record;
  const { secretMadeAt } = record;
  return {
    id: record.id,
    namespace: record.namespace,
    tenant: record.tenant,
    owner_type: owner.type,
    owner_id: owner.id,
    name: record.name,
    status: record.status,
    reason: record.reason,
    secret_hash: secret.hash,
    secret_pepper: secret.pepper,
    previous_hash: previous?.hash,
    previous_pepper: previous?.pepper,
    previous_until: previous?.until,
    previous_used_at: previous?.lastUsedAt,
    generation: record.generation,
    terms: JSON.stringify({
      scopes,
      roles,
      limits,
      quotas,
      allowedPeers,
      publishable,
      metadata,
      secretMadeAt,
    }),
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    expires_at: record.expiresAt,
    last_used_at: record.lastUsedAt,
    version: record.version,
  };
}

function recordOf(row: ApiKeyRow): ApiKeyRecord {
  const { previous_hash: hash, previous_pepper: pepper, previous_until: until } = row;
  const previous =
    hash === null || pepper === null || until === null
      ? undefined
      : { hash, pepper, until, lastUsedAt: row.previous_used_at ?? undefined };
  return {
    // Written by `valuesOf` alone.
    ...(JSON.parse(row.terms) as Partial<ApiKeyTerms & Pick<ApiKeyRecord, 'secretMadeAt'>>),
    id: row.id,
    namespace: row.namespace,
    tenant: row.tenant ?? undefined,
    owner: { type: row.owner_type, id: row.owner_id },
    name: row.name,
    status: row.status,
    reason: row.reason ?? undefined,
    secret: { hash: row.secret_hash, pepper: row.secret_pepper },
    previous,
    generation: row.generation,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    version: row.version,
  };
}
