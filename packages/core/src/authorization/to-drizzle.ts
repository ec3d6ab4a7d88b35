import { type Column, getTableColumns, is, type SQL, sql, Table } from 'drizzle-orm';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { assertPlan } from './assert-plan.ts';
import type { Field } from './field.ts';
import type { Plan } from './plan.ts';
import { type ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import { constant, template } from './sql-columns.ts';
import { filterRenderer, type SqlDialect } from './sql-filter.ts';

/** Options of {@link toDrizzle}. */
export interface ToDrizzleOptions<O> {
  readonly dialect: SqlDialect;
  readonly table: Table;
  /** The columns of fields that are not named like them in the schema. */
  readonly columns?: { readonly [F in keyof O]?: string } | undefined;
}

/** Types of columns that hold just what a field says, as Drizzle names them. */
const COLUMNS: Readonly<Record<SqlDialect, Readonly<Record<Field<unknown>['type'], RegExp>>>> = {
  postgresql: {
    text: /^Pg(?:Text|Varchar|UUID)$/,
    integer: /^Pg(?:SmallInt|Integer|BigInt53|Serial|SmallSerial|BigSerial53)$/,
    number: /^PgDoublePrecision$/,
    boolean: /^PgBoolean$/,
    instant: /^PgTimestamp$/,
    list: /^PgArray$/,
  },
  sqlite: {
    text: /^SQLiteText$/,
    integer: /^SQLiteInteger$/,
    number: /^SQLiteReal$/,
    boolean: /^SQLiteBoolean$/,
    instant: /^SQLiteTimestamp$/,
    list: /^SQLiteTextJson$/,
  },
};

/**
 * Renders plans as conditions for Drizzle's `where`. Says what `toSql` says. The types of the columns are compared
 * with the fields, so that a column that would be compared otherwise is rejected at construction.
 *
 * @throws ConfigurationError for an unknown field or dialect, and for a column that is missing or of a type that
 * cannot hold just what the field says: `char(n)`, `timestamp` without a time zone or read as a text, `numeric`.
 * @example
 * const inPlan = toDrizzle(document, { dialect: 'postgresql', table: documents });
 * const rows = await db.select().from(documents).where(inPlan(readable(facts)));
 */
export function toDrizzle<Name extends string, O extends object>(
  of: ResourceLike<Name, O, never>,
  options: ToDrizzleOptions<O>,
): (plan: Plan<Name>) => SQL {
  const where = 'toDrizzle';
  const resource = resourceInfo(where, of);
  assertKnownOptions(where, options, ['dialect', 'table', 'columns']);
  const { dialect, table, columns: names = {} } = options;
  assertOneOf(where, 'dialect', dialect, ['postgresql', 'sqlite']);
  assertConfiguration(is(table, Table), `${where}: table must be a table of Drizzle.`);
  assertKnownOptions(`${where}, columns`, names, [...resource.fields.keys()]);
  const schema = getTableColumns(table);
  const columns = new Map<string, Column>();
  for (const [field, what] of resource.fields) {
    const name = (names as Readonly<Record<string, string | undefined>>)[field] ?? field;
    const column = Object.hasOwn(schema, name) ? schema[name] : undefined;
    assertConfiguration(
      column !== undefined,
      `${where}: the table has no column ${JSON.stringify(name)} in its schema for the field ${field}.`,
    );
    assertColumn(`${where}, ${field}`, what, column, dialect);
    columns.set(field, column);
  }
  const uuids = new Set(
    [...columns].filter(([, column]) => column.columnType === 'PgUUID').map(([field]) => field),
  );
  const render = filterRenderer(resource, dialect, uuids);
  return (plan) => {
    assertPlan(where, plan, resource);
    if (plan.kind !== 'some') return sql.raw(constant(plan.kind === 'all', dialect));
    const { strings, slots } = template<unknown>(render(plan.filter), (part) =>
      'column' in part ? columns.get(part.column) : sql.param(part.param),
    );
    // The tag reads the array as its strings, as it does for a literal.
    return sql(strings as unknown as TemplateStringsArray, ...slots);
  };
}

function assertColumn(
  where: string,
  what: Field<unknown>,
  column: Column,
  dialect: SqlDialect,
): void {
  const { columnType } = column;
  assertConfiguration(
    COLUMNS[dialect][what.type].test(columnType),
    `${where}: a column of type ${columnType} cannot hold exactly the values of a field of type ${what.type}.`,
  );
  // Members of the columns that were matched above.
  const { withTimezone, mode, baseColumn } = column as Column & {
    readonly withTimezone?: boolean;
    readonly mode?: string;
    readonly baseColumn?: Column;
  };
  if (what.type === 'instant') {
    assertConfiguration(
      dialect === 'postgresql' ? withTimezone === true : mode === 'timestamp_ms',
      `${where}: an instant needs ${dialect === 'postgresql' ? 'timestamp with a time zone' : "mode 'timestamp_ms'"}.`,
    );
  }
  if (what.type === 'list' && dialect === 'postgresql') {
    assertConfiguration(
      baseColumn !== undefined &&
        COLUMNS.postgresql[what.item ?? 'text'].test(baseColumn.columnType),
      `${where}: the array must hold ${what.item ?? 'text'}.`,
    );
  }
}
