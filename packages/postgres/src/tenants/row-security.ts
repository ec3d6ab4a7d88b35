import { assertConfiguration, assertKnownOptions, isStorableText } from '@apisec/core/host';

/** The setting that names the tenant of a transaction, unless another is chosen. */
export const TENANT_SETTING = 'apisec.tenant';

/** A table whose rows belong to tenants. */
export interface TenantTable {
  readonly table: string;
  /** The schema of the table. Default: `public`. */
  readonly schema?: string | undefined;
  /** The column that names the tenant of a row. Default: `tenant_id`. */
  readonly column?: string | undefined;
}

/** Options of {@link rowSecuritySql}. */
export interface RowSecurityOptions extends TenantTable {
  /** The type of the column. Default: `text`, which is also right for `varchar`. */
  readonly type?: 'text' | 'uuid' | undefined;
  /** The setting that `withTenant` sets. Default: `apisec.tenant`. */
  readonly setting?: string | undefined;
}

/** A table with quoted names. */
export interface QuotedTable {
  readonly name: string;
  readonly column: string;
  readonly rawColumn: string;
}

/** @throws ConfigurationError for names that PostgreSQL does not have. */
export function quoteTable(where: string, { table, schema, column }: TenantTable): QuotedTable {
  const quote = (what: string, name: unknown): string => {
    assertConfiguration(
      typeof name === 'string' && name !== '' && name.length <= 63 && isStorableText(name),
      `${where}: ${what} must be a name of at most 63 characters.`,
    );
    return `"${name.replaceAll('"', '""')}"`;
  };
  const rawColumn = column ?? 'tenant_id';
  return {
    name: `${quote('schema', schema ?? 'public')}.${quote('table', table)}`,
    column: quote('column', rawColumn),
    rawColumn,
  };
}

/** @throws ConfigurationError for what is not the name of a custom setting. */
export function settingName(where: string, setting: unknown = TENANT_SETTING): string {
  assertConfiguration(
    typeof setting === 'string' && /^[a-z_][a-z0-9_]{0,40}\.[a-z_][a-z0-9_]{0,40}$/.test(setting),
    `${where}: setting must be two words with a dot: 'apisec.tenant'.`,
  );
  return setting;
}

/**
 * The statements that put a table behind the wall between tenants, for your migrations: row-level security, also for
 * the owner (`FORCE`), with a policy that is restrictive, so that no other policy opens the table wider. Rows are seen
 * and written only in a transaction of `withTenant`, and only those of its tenant. They may be run again.
 *
 * Superusers and roles with BYPASSRLS are above it: connect as a role that is neither. Views see what their owner sees,
 * unless they are created `WITH (security_invoker = true)`; partitions need it themselves.
 *
 * @throws ConfigurationError for names that PostgreSQL does not have.
 * @example
 * await pool.query(rowSecuritySql({ table: 'orders', column: 'tenant_id' }));
 */
export function rowSecuritySql(options: RowSecurityOptions): string {
  const where = 'rowSecuritySql';
  assertKnownOptions(where, options, ['table', 'schema', 'column', 'type', 'setting']);
  const { type = 'text' } = options;
  assertConfiguration(
    type === 'text' || type === 'uuid',
    `${where}: type must be 'text' or 'uuid', as the column is.`,
  );
  const { name, column } = quoteTable(where, options);
  const setting = settingName(where, options.setting);
  // Behind a transaction that had set it, the setting is empty and not null.
  const tenant = `NULLIF(current_setting('${setting}', true), '')`;
  const rule = `${column} = ${type === 'uuid' ? `${tenant}::uuid` : tenant}`;
  const rules = `USING (${rule}) WITH CHECK (${rule})`;
  return `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS apisec_tenant_wall ON ${name};
CREATE POLICY apisec_tenant_wall ON ${name} AS RESTRICTIVE FOR ALL ${rules};
DROP POLICY IF EXISTS apisec_tenant_rows ON ${name};
CREATE POLICY apisec_tenant_rows ON ${name} FOR ALL ${rules};`;
}
