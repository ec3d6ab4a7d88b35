import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import type { Plan } from './plan.ts';
import { type ResourceInfo, type ResourceLike, resourceInfo } from './resource.ts';
import {
  eachPart,
  filterRenderer,
  ITEM,
  type Sql,
  type SqlDialect,
  type SqlPart,
} from './sql-filter.ts';
import { assertPlan } from './to-predicate.ts';

/** Options of {@link toSql}. */
export interface ToSqlOptions<O> {
  readonly dialect: SqlDialect;
  /** The columns of fields that are not named like them. */
  readonly columns?: { readonly [F in keyof O]?: string } | undefined;
  /** Fields whose column is of type `uuid`. PostgreSQL only. */
  readonly uuids?: readonly (keyof O & string)[] | undefined;
  /** The table, or its alias in the query. */
  readonly table?: string | undefined;
  /** The number of the first parameter (`$1`), where the query has others before it. PostgreSQL only. */
  readonly firstParameter?: number | undefined;
}

/** A condition for `WHERE`, in brackets, and its parameters in order. */
export interface SqlCondition {
  readonly text: string;
  readonly params: readonly (string | number | boolean | readonly (string | number | boolean)[])[];
}

/**
 * Renders plans as conditions of SQL. Values are parameters always; the names of columns are quoted. The condition
 * is true for just the rows that the rule admits:
 *
 * - texts are compared by code points whatever the collation of the column;
 * - a row that holds a value of another type, as SQLite allows, is not in it;
 * - what is null makes nothing true.
 *
 * Columns: `text`, `varchar` or `uuid` for texts (not `char(n)`, which loses blanks); whole numbers for integers;
 * `double precision` for numbers; `timestamptz` for instants; arrays for lists. In SQLite (UTF-8) instants are
 * milliseconds, booleans 0 and 1, lists JSON. What a driver gives for a column must be what the field says for a
 * single read to agree: `bigint` as a number, not a text.
 *
 * @throws ConfigurationError for an unknown field or dialect, and for a name that cannot be quoted.
 * @example
 * const where = toSql(document, { dialect: 'postgresql', columns: { ownerId: 'owner_id' } });
 * const { text, params } = where(readable(facts));
 * await db.query(`SELECT * FROM documents WHERE ${text} ORDER BY id LIMIT 50`, params);
 */
export function toSql<Name extends string, O extends object>(
  of: ResourceLike<Name, O, never>,
  options: ToSqlOptions<O>,
): (plan: Plan<Name>) => SqlCondition {
  const where = 'toSql';
  const resource = resourceInfo(where, of);
  assertKnownOptions(where, options, ['dialect', 'columns', 'table', 'uuids', 'firstParameter']);
  const { dialect, columns = {}, table, firstParameter = 1 } = options;
  assertOneOf(where, 'dialect', dialect, ['postgresql', 'sqlite']);
  assertConfiguration(
    Number.isInteger(firstParameter) && firstParameter >= 1 && firstParameter <= 60_000,
    `${where}: firstParameter must be a whole number from 1.`,
  );
  const quoted = quoteColumns(where, resource, columns, table, dialect);
  const uuids = readUuids(where, resource, options.uuids, dialect);
  const render = filterRenderer(resource, dialect, uuids);
  return (plan) => {
    assertPlan(where, plan, resource);
    if (plan.kind !== 'some') return constant(plan.kind === 'all', dialect);
    const params: SqlCondition['params'][number][] = [];
    let text = '';
    eachPart(render(plan.filter), (part) => {
      if (typeof part === 'string') text += part;
      // Every field of the resource was quoted.
      else if ('column' in part) text += quoted.get(part.column) as string;
      else {
        params.push(part.param);
        text += dialect === 'sqlite' ? '?' : `$${firstParameter + params.length - 1}`;
      }
    });
    return { text, params };
  };
}

/** A condition without parameters. */
export function constant(holds: boolean, dialect: SqlDialect): SqlCondition {
  const [yes, no] = dialect === 'sqlite' ? ['1', '0'] : ['TRUE', 'FALSE'];
  return { text: `(${holds ? yes : no})`, params: [] };
}

/** The fields whose columns are of type `uuid`. */
export function readUuids(
  where: string,
  resource: ResourceInfo,
  uuids: readonly string[] = [],
  dialect: SqlDialect,
): ReadonlySet<string> {
  assertConfiguration(
    uuids.length === 0 || dialect === 'postgresql',
    `${where}: only PostgreSQL has columns of type uuid.`,
  );
  for (const field of uuids) {
    assertConfiguration(
      resource.fields.get(field)?.type === 'text',
      `${where}: uuids: ${JSON.stringify(field)} is not a field of field.text().`,
    );
  }
  return new Set(uuids);
}

/**
 * Names that mean something inside `EXISTS`: a column without its table would be taken for one of them. In SQLite
 * they are the columns of `json_each`.
 */
const HIDDEN: Readonly<Record<SqlDialect, readonly string[]>> = {
  postgresql: [ITEM, 'value'],
  sqlite: [ITEM, 'key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path', 'json', 'root'],
};

/** The quoted column of each field. */
export function quoteColumns(
  where: string,
  resource: ResourceInfo,
  columns: Readonly<Record<string, string | undefined>>,
  table: string | undefined,
  dialect: SqlDialect,
): ReadonlyMap<string, string> {
  assertKnownOptions(`${where}, columns`, columns, [...resource.fields.keys()]);
  // Backticks in SQLite: there, a name in double quotes that is no column is taken for a text.
  const quote = (name: string): string => {
    assertConfiguration(
      typeof name === 'string' &&
        name !== '' &&
        name.length <= 63 &&
        !/[\0\p{Surrogate}]/u.test(name),
      `${where}: ${JSON.stringify(name)} is not a valid name of a table or column.`,
    );
    return dialect === 'sqlite'
      ? `\`${name.replaceAll('`', '``')}\``
      : `"${name.replaceAll('"', '""')}"`;
  };
  assertConfiguration(table !== ITEM, `${where}: a table cannot be named ${ITEM} here.`);
  const prefix = table === undefined ? '' : `${quote(table)}.`;
  return new Map(
    [...resource.fields.keys()].map((field) => {
      const name = columns[field] ?? field;
      assertConfiguration(
        table !== undefined || !HIDDEN[dialect].includes(name.toLowerCase()),
        `${where}: the column ${JSON.stringify(name)} needs the name of its table: { table: 'documents' }.`,
      );
      return [field, prefix + quote(name)];
    }),
  );
}

/** The texts between slots, and the slots: what template functions of query builders take. */
export function template<S>(
  sql: Sql,
  slot: (part: Exclude<SqlPart, string>) => S,
): { readonly strings: readonly string[]; readonly slots: readonly S[] } {
  const strings: string[] = [''];
  const slots: S[] = [];
  eachPart(sql, (part) => {
    if (typeof part === 'string') {
      strings[strings.length - 1] += part;
    } else {
      slots.push(slot(part));
      strings.push('');
    }
  });
  return { strings, slots };
}
