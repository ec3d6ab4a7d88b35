import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';

/**
 * What the stores need of a PostgreSQL driver: a `Pool` or `Client` of pg, PGlite, and anything else that
 * takes a text with `$1` and the parameters. Every call is one statement, so a pool is fine.
 */
export interface PostgresClient {
  readonly query: (
    text: string,
    params?: unknown[],
  ) => Promise<{ readonly rows: readonly unknown[] }>;
}

/** Options that every store takes. */
export interface SchemaOptions {
  /** The schema that holds the tables: lower case letters, digits and underscores. Default: `apisec`. */
  readonly schema?: string | undefined;
}

/**
 * Checks the names of a store's options, of which `own` are those that only it has, and answers the schema as it
 * stands in a statement. Identifiers cannot be parameters, so nothing gets through that would need quoting.
 *
 * @throws ConfigurationError for an unknown option, or a schema that would need quoting.
 */
export function schemaName(
  where: string,
  options: SchemaOptions,
  own: readonly string[] = [],
): string {
  assertKnownOptions(where, options, ['schema', ...own]);
  const { schema = 'apisec' } = options;
  assertConfiguration(
    typeof schema === 'string' && /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema),
    `${where}: schema must be 1 to 63 lower case letters, digits and underscores, not beginning with pg_.`,
  );
  return `"${schema}"`;
}

/** Runs a statement that changes rows; answers how many it changed. */
export async function countRows(
  client: PostgresClient,
  text: string,
  params: unknown[],
): Promise<number> {
  return (await client.query(`${text} RETURNING 1`, params)).rows.length;
}

/** The first row, if there is one. Its type is what the statement selects. */
export async function firstRow<Row>(
  client: PostgresClient,
  text: string,
  params: unknown[],
): Promise<Row | undefined> {
  const { rows } = await client.query(text, params);
  return rows[0] as Row | undefined;
}
