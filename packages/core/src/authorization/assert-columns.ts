import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { columnProblem, readColumns, type SqlColumns } from './column-types.ts';
import type { ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import type { SqlDialect } from './sql-filter.ts';

/** Options of {@link assertColumns}. Those of `toSql` and `toKysely` fit, where they name the table itself. */
export interface AssertColumnsOptions<O> {
  readonly dialect: SqlDialect;
  /** The table or view. */
  readonly table: string;
  /** PostgreSQL only. Default: wherever the search path finds the table. */
  readonly schema?: string | undefined;
  readonly columns: SqlColumns<O>;
}

/** Asks the database: a statement and its parameters (`$1` in PostgreSQL, `?` in SQLite), and the rows as objects. */
export type AskDatabase = (
  statement: string,
  params: readonly string[],
) => MaybePromise<readonly unknown[]>;

const STATEMENTS: Readonly<Record<SqlDialect, { readonly columns: string; encoding: string }>> = {
  postgresql: {
    columns: `SELECT attname::text AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    encoding: "SELECT current_setting('server_encoding') AS encoding",
  },
  sqlite: {
    columns: 'SELECT name, type FROM pragma_table_info(?)',
    encoding: 'SELECT encoding FROM pragma_encoding',
  },
};
const ENCODINGS = ['UTF8', 'UTF-8'];

/**
 * Throws unless a table has the columns declared to `toSql` and `toKysely`. Run it when the server starts, or
 * in a test over the migrated database. What it finds: a column that is missing or of another type than was said
 * (`citext`, `char(n)`, `numeric`, `timestamp`, a domain, an affinity of SQLite that changes values), and a
 * database whose encoding is not UTF-8, where texts have another order.
 *
 * @throws ConfigurationError with each column that is not as was said. What the query throws is passed on.
 * @example
 * const stored = { dialect: 'postgresql', table: 'documents', columns: { id: 'uuid', ownerId: 'text' } } as const;
 * const where = toSql(document, stored);
 * await assertColumns(document, stored, async (statement, params) => (await pool.query(statement, [...params])).rows);
 */
export async function assertColumns<Name extends string, O extends object>(
  of: ResourceLike<Name, O, never>,
  options: AssertColumnsOptions<O>,
  query: AskDatabase,
): Promise<void> {
  const where = 'assertColumns';
  const resource = resourceInfo(where, of);
  assertKnownOptions(where, options, ['dialect', 'table', 'schema', 'columns']);
  const { dialect, table, schema, columns } = options;
  assertOneOf(where, 'dialect', dialect, ['postgresql', 'sqlite']);
  assertConfiguration(
    typeof table === 'string' && table !== '',
    `${where}: table must be the name of the table.`,
  );
  assertConfiguration(
    schema === undefined || dialect === 'postgresql',
    `${where}: only tables of PostgreSQL have a schema.`,
  );
  assertConfiguration(
    typeof query === 'function',
    `${where}: pass a function that asks the database: (statement, params) => rows.`,
  );
  const declared = readColumns(where, resource, columns, dialect);

  const { columns: ofColumns, encoding: ofEncoding } = STATEMENTS[dialect];
  const [row] = (await query(ofEncoding, [])) as readonly { readonly encoding?: unknown }[];
  const encoding = String(row?.encoding);
  assertConfiguration(
    ENCODINGS.includes(encoding),
    `${where}: the encoding of the database must be UTF-8, not ${encoding}.`,
  );
  const named = dialect === 'sqlite' ? table : [schema, table].flatMap(quoteIdentifier).join('.');
  // What a driver returns; members that are not text are found below.
  const rows = (await query(ofColumns, [named])) as readonly { name: unknown; type: unknown }[];
  const stored = new Map(rows.map(({ name, type }) => [String(name), String(type)]));
  assertConfiguration(stored.size > 0, `${where}: there is no table ${JSON.stringify(table)}.`);
  const problems: string[] = [];
  for (const [field, { name, type }] of declared) {
    const found = findColumn(stored, name, dialect);
    if (found === undefined) {
      problems.push(`${field}: the table has no column ${JSON.stringify(name)}.`);
      continue;
    }
    const actual = dialect === 'sqlite' ? affinityOf(found) : shortNameOf(found);
    // Every declared field is one of the resource.
    const what = resource.fields.get(field) as NonNullable<ReturnType<typeof resource.fields.get>>;
    const problem =
      columnProblem(what, actual, dialect) ??
      // Drivers may convert other types to other values: a bigint to text.
      (dialect === 'sqlite' || asText(actual) === asText(type)
        ? undefined
        : `the column is of type ${actual}, not ${type}.`);
    if (problem !== undefined) problems.push(`${field}: ${problem}`);
  }
  assertConfiguration(problems.length === 0, `${where}, ${table}: ${problems.join(' ')}`);
}

function quoteIdentifier(name: string | undefined): readonly string[] {
  return name === undefined ? [] : [`"${name.replaceAll('"', '""')}"`];
}

/** SQLite finds columns whatever the case of ASCII letters in their names. */
function findColumn(
  stored: ReadonlyMap<string, string>,
  name: string,
  dialect: SqlDialect,
): string | undefined {
  if (dialect === 'postgresql') return stored.get(name);
  return [...stored].find(([each]) => lowerAscii(each) === lowerAscii(name))?.[1];
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  'timestamp with time zone': 'timestamptz',
};

/** As columns are declared: PostgreSQL names two types in another way. */
function shortNameOf(type: string): string {
  const array = type.endsWith('[]') ? '[]' : '';
  const item = type.slice(0, type.length - array.length);
  return (Object.hasOwn(SHORT_NAMES, item) ? SHORT_NAMES[item] : item) + array;
}

/** Both hold the same texts, and drivers give them alike. */
function asText(type: string): string {
  return type.replace('varchar', 'text');
}

/** What a column of SQLite makes of values: https://www.sqlite.org/datatype3.html#determination_of_column_affinity. */
function affinityOf(type: string): string {
  const upper = type.toUpperCase();
  if (upper.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'TEXT';
  if (upper === '' || upper.includes('BLOB')) return 'BLOB';
  if (/REAL|FLOA|DOUB/.test(upper)) return 'REAL';
  return upper === 'BOOLEAN' || upper === 'BOOL' ? 'BOOLEAN' : type;
}
