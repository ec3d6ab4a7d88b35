import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { assertPlan } from './assert-plan.ts';
import { readColumns, type SqlColumns } from './column-types.ts';
import type { Plan } from './plan.ts';
import { type ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import { constant, quoteColumns, template, uuidsOf } from './sql-columns.ts';
import { filterRenderer, type SqlDialect } from './sql-filter.ts';

/** Options of {@link toKysely}. */
export interface ToKyselyOptions<O> {
  readonly dialect: SqlDialect;
  /**
   * The column of each field: its type, and its name where it is not that of the field. A type that cannot hold just
   * what the field says is rejected at construction.
   */
  readonly columns: SqlColumns<O>;
  /** The table, or its alias in the query. */
  readonly table?: string | undefined;
}

/**
 * Renders plans as expressions for Kysely's `where`. Says what `toSql` says, with the same demands on columns.
 *
 * @throws ConfigurationError for an unknown field or dialect, for a field without a column, for a column of a type that
 * cannot hold just what the field says, and for a name that cannot be quoted.
 * @example
 * const inPlan = toKysely(document, {
 *   dialect: 'postgresql',
 *   table: 'documents',
 *   columns: { id: 'uuid', tenantId: 'text', ownerId: { name: 'owner_id', type: 'text' } },
 * });
 * const rows = await db.selectFrom('documents').selectAll().where(inPlan(readable(facts))).execute();
 */
export function toKysely<Name extends string, O extends object>(
  of: ResourceLike<Name, O, never>,
  options: ToKyselyOptions<O>,
): (plan: Plan<Name>) => Expression<SqlBool> {
  const where = 'toKysely';
  const resource = resourceInfo(where, of);
  assertKnownOptions(where, options, ['dialect', 'columns', 'table']);
  const { dialect, columns, table } = options;
  assertOneOf(where, 'dialect', dialect, ['postgresql', 'sqlite']);
  assertConfiguration(typeof sql === 'function', `${where}: needs the package kysely.`);
  const stored = readColumns(where, resource, columns, dialect);
  const quoted = quoteColumns(where, stored, table, dialect);
  const render = filterRenderer(resource, dialect, uuidsOf(stored));
  return (plan) => {
    assertPlan(where, plan, resource);
    if (plan.kind !== 'some') return sql.raw<SqlBool>(constant(plan.kind === 'all', dialect));
    const { strings, slots } = template<RawBuilder<unknown>>(
      render(plan.filter),
      // Every field of the resource was quoted.
      (part) =>
        'column' in part ? sql.raw(quoted.get(part.column) as string) : sql.val(part.param),
    );
    // The tag reads the array as its strings, as it does for a literal.
    return sql<SqlBool>(strings as unknown as TemplateStringsArray, ...slots);
  };
}
