import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { Field } from './field.ts';
import type { ResourceInfo } from './resource-info.ts';
import type { SqlDialect } from './sql-filter.ts';

/** Types of columns that hold just what a field says. PostgreSQL in lower case, SQLite in upper case. */
export type SqlColumnType =
  | 'text'
  | 'varchar'
  | 'uuid'
  | 'smallint'
  | 'integer'
  | 'bigint'
  | 'double precision'
  | 'boolean'
  | 'timestamptz'
  | 'text[]'
  | 'varchar[]'
  | 'uuid[]'
  | 'smallint[]'
  | 'integer[]'
  | 'bigint[]'
  | 'TEXT'
  | 'INTEGER'
  | 'REAL'
  | 'BOOLEAN';

/** The column of a field: its type, and its name where it is not named like the field. */
export type SqlColumn =
  | SqlColumnType
  | { readonly name?: string | undefined; readonly type: SqlColumnType };

/** The columns of a resource: one for each field. */
export type SqlColumns<O> = { readonly [F in keyof O]-?: SqlColumn };

/** The columns that hold just what a field says. The key of a list is what it holds, in brackets. */
const TYPES: Readonly<Record<SqlDialect, Readonly<Record<string, readonly SqlColumnType[]>>>> = {
  postgresql: {
    text: ['text', 'varchar', 'uuid'],
    integer: ['smallint', 'integer', 'bigint'],
    number: ['double precision'],
    boolean: ['boolean'],
    instant: ['timestamptz'],
    'text[]': ['text[]', 'varchar[]', 'uuid[]'],
    'integer[]': ['smallint[]', 'integer[]', 'bigint[]'],
  },
  sqlite: {
    text: ['TEXT'],
    integer: ['INTEGER'],
    number: ['REAL'],
    boolean: ['INTEGER', 'BOOLEAN'],
    instant: ['INTEGER'],
    // JSON.
    'text[]': ['TEXT'],
    'integer[]': ['TEXT'],
  },
};

/** Why a column of another type cannot be compared as a rule compares, where it is not plain. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:char|character|bpchar)\b(?! varying)/, 'it pads texts with blanks'],
  [/^citext/, 'it takes letters of either case for the same'],
  [/^(?:numeric|decimal|money)/, 'its numbers are not those of JavaScript'],
  [/^(?:real|float4?)\b/, 'the database compares digits that drivers round away'],
  [/^(?:timestamp(?!tz)|date|time)\b/, 'without a time zone it is another instant in each session'],
  [/^json/, 'the database has another order for what is in it'],
];

export interface ColumnInfo {
  readonly name: string;
  readonly type: SqlColumnType;
}

/** The column of each field. */
export function readColumns(
  where: string,
  resource: ResourceInfo,
  columns: Readonly<Record<string, SqlColumn | undefined>>,
  dialect: SqlDialect,
): ReadonlyMap<string, ColumnInfo> {
  assertConfiguration(
    typeof columns === 'object' && columns !== null,
    `${where}: columns must say the type of each column: { id: 'uuid', ownerId: { name: 'owner_id', type: 'text' } }.`,
  );
  assertKnownOptions(`${where}, columns`, columns, [...resource.fields.keys()]);
  return new Map(
    [...resource.fields].map(([field, what]) => {
      const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
      const of = `${where}, columns: ${field}`;
      assertConfiguration(
        typeof column === 'string' || (typeof column === 'object' && column !== null),
        `${of} is missing. Write the type of its column: ${field}: '${columnTypesOf(what, dialect)[0]}'.`,
      );
      if (typeof column === 'object') assertKnownOptions(of, column, ['name', 'type']);
      const { name = field, type } = typeof column === 'string' ? { type: column } : column;
      const problem = columnProblem(what, type, dialect);
      assertConfiguration(problem === undefined, `${of}: ${problem}`);
      return [field, { name, type }];
    }),
  );
}

/** Why a column of this type does not hold just what the field says, or undefined where it does. */
export function columnProblem(
  what: Field<unknown>,
  type: string,
  dialect: SqlDialect,
): string | undefined {
  const types: readonly string[] = columnTypesOf(what, dialect);
  if (types.includes(type)) return undefined;
  const reason = REASONS.find(([pattern]) => pattern.test(type))?.[1];
  return (
    `a column of type ${JSON.stringify(type)} cannot hold just what a field of type ${what.type} says` +
    `${reason === undefined ? '' : `: ${reason}`}. Use ${types.join(' or ')}, or cast it in a view.`
  );
}

function columnTypesOf(what: Field<unknown>, dialect: SqlDialect): readonly SqlColumnType[] {
  const key = what.type === 'list' ? `${what.item}[]` : what.type;
  // Each type of field is in the table.
  return TYPES[dialect][key] as readonly SqlColumnType[];
}
