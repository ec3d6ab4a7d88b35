import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { assertPlan } from './assert-plan.ts';
import { readColumns, type SqlColumns } from './column-types.ts';
import type { Plan } from './plan.ts';
import type { ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import { constant, quoteColumns, uuidsOf } from './sql-columns.ts';
import { eachPart, filterRenderer, type SqlDialect } from './sql-filter.ts';

/** Options of {@link toSql}. */
export interface ToSqlOptions<O> {
  readonly dialect: SqlDialect;
  /**
   * The column of each field: its type, and its name where it is not that of the field. A type that cannot hold just
   * what the field says is rejected at construction.
   */
  readonly columns: SqlColumns<O>;
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
 * `columns` says the type of each column, because a condition is exact for some types only: `text`, `varchar` or `uuid`
 * for texts (not `char(n)`, which loses blanks); whole numbers for integers; `double precision` for numbers;
 * `timestamptz` for instants; arrays for lists. In SQLite (UTF-8) instants are milliseconds, booleans 0 and 1, lists
 * JSON. `assertColumns` compares what was said with the database. What a driver gives for a column must be what the
 * field says for a single read to agree: `bigint` as a number, not a text.
 *
 * @throws ConfigurationError for an unknown field or dialect, for a field without a column, for a column of a type that
 * cannot hold just what the field says, and for a name that cannot be quoted.
 * @example
 * const where = toSql(document, {
 *   dialect: 'postgresql',
 *   columns: { id: 'uuid', tenantId: 'text', ownerId: { name: 'owner_id', type: 'text' } },
 * });
 * const { text, params } = where(readable(facts));
 * await db.query(`SELECT * FROM documents WHERE ${text} ORDER BY id LIMIT 50`, params);
 */
export function toSql<Name extends string, O extends object>(
  of: ResourceLike<Name, O, never>,
  options: ToSqlOptions<O>,
): (plan: Plan<Name>) => SqlCondition {
  const where = 'toSql';
  const resource = resourceInfo(where, of);
  assertKnownOptions(where, options, ['dialect', 'columns', 'table', 'firstParameter']);
  const { dialect, columns, table, firstParameter = 1 } = options;
  assertOneOf(where, 'dialect', dialect, ['postgresql', 'sqlite']);
  assertConfiguration(
    Number.isInteger(firstParameter) && firstParameter >= 1 && firstParameter <= 60_000,
    `${where}: firstParameter must be a whole number from 1.`,
  );
  const stored = readColumns(where, resource, columns, dialect);
  const quoted = quoteColumns(where, stored, table, dialect);
  const render = filterRenderer(resource, dialect, uuidsOf(stored));
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
