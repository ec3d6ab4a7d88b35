import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { assertPlan } from './assert-plan.ts';
import type { Plan } from './plan.ts';
import type { ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import { constant, quoteColumns, readUuids } from './sql-columns.ts';
import { eachPart, filterRenderer, type SqlDialect } from './sql-filter.ts';

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
    if (plan.kind !== 'some') return { text: constant(plan.kind === 'all', dialect), params: [] };
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
