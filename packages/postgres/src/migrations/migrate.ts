import { type PostgresClient, type SchemaOptions, schemaName } from '../client/postgres-client.ts';
import { migrations } from './migrations.ts';

/**
 * Creates the tables, or brings them up to date. To be called at every start: it is one transaction under an
 * advisory lock, so any number of nodes may do it at once, and does nothing where nothing is left to do.
 *
 * Needs the right to create the schema where that does not exist, and tables in it where a step is left; the
 * stores themselves need only SELECT, INSERT and UPDATE. Rejects with what the database says.
 *
 * @throws ConfigurationError for a schema name that is none.
 * @example
 * await migrate(pool);
 */
export async function migrate(client: PostgresClient, options: SchemaOptions = {}): Promise<void> {
  await client.query(migrationSql(options));
}

/**
 * What {@link migrate} runs, as one statement of SQL: for those who migrate with tools of their own.
 *
 * @throws ConfigurationError for a schema name that is none.
 */
export function migrationSql(options: SchemaOptions = {}): string {
  const schema = schemaName('migrate', options);
  const literal = `'${schema.slice(1, -1)}'`;
  const steps = migrations.map(
    ({ version, name, statements }) => `
    IF NOT EXISTS (SELECT FROM ${schema}.migrations WHERE version = ${version}) THEN
      ${statements(schema).trim()}
      INSERT INTO ${schema}.migrations (version, name) VALUES (${version}, '${name}');
    END IF;`,
  );
  // A DO block is one statement: it needs no session, so a pool will do, and is all or nothing.
  return `DO $apisec$
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('apisec.migrate'), hashtext(${literal}));
    IF to_regnamespace(${literal}) IS NULL THEN
      CREATE SCHEMA ${schema};
    END IF;
    IF to_regclass('${schema}.migrations') IS NULL THEN
      CREATE TABLE ${schema}.migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      );
    END IF;${steps.join('')}
  END
  $apisec$`;
}
