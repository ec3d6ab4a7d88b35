import type { TenantRecord, TenantStore } from '@apisec/core';
import { isStorableText } from '@apisec/core/host';
import {
  countRows,
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';

/** A row as it is selected. */
interface Row {
  readonly id: string;
  readonly status: TenantRecord['status'];
  /** JSON. */
  readonly attributes: string;
}

/**
 * Keeps tenants in PostgreSQL, for all processes. A tenant that was closed keeps its row, so that nobody gets its id.
 * Run `migrate` first; needs SELECT, INSERT and UPDATE. Put `requireTenant` in front, which keeps answers.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const tenants = postgresTenantStore(pool);
 * await tenants.create({ id: 'acme', status: 'active', attributes: { plan: 'pro' } });
 */
export function postgresTenantStore(
  client: PostgresClient,
  options: SchemaOptions = {},
): TenantStore {
  const table = `${schemaName('postgresTenantStore', options)}.tenants`;
  const isDone = async (text: string, tenant: TenantRecord): Promise<boolean> =>
    (await countRows(client, text, paramsOf(tenant))) === 1;

  return Object.freeze<TenantStore>({
    read: async (id) => {
      // No text of PostgreSQL holds these, so there is no such tenant.
      if (!isStorableText(id)) return undefined;
      const row = await firstRow<Omit<Row, 'id'>>(
        client,
        `SELECT status, attributes FROM ${table} WHERE id = $1`,
        [id],
      );
      // It is the one that was asked for, by every byte; some drivers change texts as they read them.
      return row && readRow({ id, ...row });
    },
    create: (tenant) =>
      isDone(
        `INSERT INTO ${table} (id, status, attributes) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO NOTHING`,
        tenant,
      ),
    update: (tenant) =>
      isDone(
        `UPDATE ${table} SET status = $2, attributes = $3, updated_at = now()
         WHERE id = $1 AND status <> 'closed'`,
        tenant,
      ),
    list: async ({ after = '', limit }) => {
      const { rows } = await client.query(
        `SELECT id, status, attributes FROM ${table} WHERE id > $1 ORDER BY id LIMIT $2`,
        [after, Math.min(Math.max(1, limit), 1_000)],
      );
      // What the statement selects.
      return rows.map((row) => readRow(row as Row));
    },
  });
}

function readRow({ id, status, attributes }: Row): TenantRecord {
  // Only this store writes here; what it reads is checked by requireTenant.
  return { id, status, attributes: JSON.parse(attributes) as TenantRecord['attributes'] };
}

function paramsOf({ id, status, attributes }: TenantRecord): unknown[] {
  return [id, status, JSON.stringify(attributes)];
}
