import type { Duration, MaybePromise, TenantScope } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, durationMs, withinTime } from '@apisec/core/host';
import { settingName } from './row-security.ts';
import {
  type KyselyDatabase,
  type Run,
  type TenantClient,
  type TenantPool,
  type TransactionalDatabase,
  transactionsOf,
} from './tenant-databases.ts';
import { tenantStatements } from './tenant-statements.ts';

/** Options of {@link withTenant}. */
export interface WithTenantOptions {
  /** The setting that policies read. Default: `apisec.tenant`. */
  readonly setting?: string | undefined;
  /**
   * How long the whole transaction may take, and each statement in it, from `1ms` to `5m`. Keep it short: it holds a
   * connection and locks. Default: `'5s'`.
   */
  readonly timeout?: Duration | undefined;
  /**
   * A role to take for the transaction (`SET LOCAL ROLE`). For PGlite, whose one user is above row-level security.
   * Elsewhere connect as that role: code that goes on behind the transaction is the user who connected.
   */
  readonly role?: string | undefined;
}

/**
 * Does work in a transaction that sees and writes the rows of one tenant only: row-level security is the wall, for
 * every query, join, and mistake in it. The setting lives as long as the transaction, so no pool carries it over.
 * `rowSecuritySql` puts tables behind the wall, and `assertRowSecurity` tests it at start.
 *
 * Takes a pool of pg, PGlite, or a database of Drizzle or Kysely. It commits where the work resolves; it rolls back
 * where the work rejects, takes longer than `timeout`, or a statement failed. It is no defence against statements that
 * callers write: those can change the setting.
 *
 * It begins no work on a connection that is in a transaction already: whoever had it before has not ended theirs, or
 * two transactions share one connection. What the other has written is undone. Before it commits, it asks whether this
 * is still the transaction of the tenant: work that has ended it, or has set another tenant, is not kept.
 *
 * A transaction within another, as Drizzle has them, must be of the same tenant; behind it, the outer one sees what it
 * saw before. The tenant, role and `search_path` that the work has set for the session, by `SET` without `LOCAL`, end
 * with the transaction. Other settings do not, nor do temporary tables and cursors `WITH HOLD`: keep the work free of
 * them.
 *
 * Await every query of the work. On a pool of pg, one that comes after its end is rejected. Drizzle and Kysely keep the
 * connection to themselves: there, a query that nobody awaited, or that goes on behind `timeout`, may run in the
 * transaction of another tenant. So set the timeout well above what the work takes.
 *
 * Rejects for a tenant that is not an id, with what the work throws, and with what the database says.
 *
 * @throws ConfigurationError for another kind of database, and for options out of range.
 * @example
 * const { tenant } = factsOf(request, members);
 * const orders = await withTenant(pool, tenant, (tx) => tx.query('SELECT * FROM orders'));
 */
export function withTenant<T>(
  db: TenantPool,
  tenant: string | TenantScope,
  work: (tx: TenantClient) => MaybePromise<T>,
  options?: WithTenantOptions,
): Promise<T>;
export function withTenant<Tx extends object, T>(
  db: KyselyDatabase<Tx>,
  tenant: string | TenantScope,
  work: (tx: Tx) => MaybePromise<T>,
  options?: WithTenantOptions,
): Promise<T>;
export function withTenant<Tx extends object, T>(
  db: TransactionalDatabase<Tx>,
  tenant: string | TenantScope,
  work: (tx: Tx) => MaybePromise<T>,
  options?: WithTenantOptions,
): Promise<T>;
export async function withTenant<T>(
  db: object,
  tenant: string | TenantScope,
  // One of the overloads has said what it gets.
  work: (tx: never) => MaybePromise<T>,
  options: WithTenantOptions = {},
): Promise<T> {
  const where = 'withTenant';
  const id: unknown =
    typeof tenant === 'string' ? tenant : (tenant as Partial<TenantScope>)?.tenant;
  if (typeof id !== 'string' || !/^[^\0-\x20\x7f\p{Surrogate}]{1,128}$/u.test(id))
    throw new TypeError(`${where}: the tenant must be the id of a tenant; pass the fact tenant.`);
  // Its callers say what the work gets.
  return inTransaction(where, db, id, options, async (tx) => work(tx as never));
}

/** Runs work in a transaction of a tenant, in bounded time. */
export async function inTransaction<T>(
  where: string,
  db: object,
  tenant: string,
  options: WithTenantOptions,
  work: (tx: object, run: Run) => MaybePromise<T>,
): Promise<T> {
  assertKnownOptions(where, options, ['setting', 'timeout', 'role']);
  const setting = settingName(where, options.setting);
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '5s', { max: '5m' });
  const { role } = options;
  assertConfiguration(
    role === undefined || (typeof role === 'string' && /^[A-Za-z_][\w$-]{0,62}$/.test(role)),
    `${where}: role must be the name of a role.`,
  );
  const transact = transactionsOf(where, db);
  let result: T | undefined;
  await transact(async (tx, run, isWithin) => {
    const settings = { tenant, setting, timeoutMs, role };
    const { begin, end } = tenantStatements(where, settings, isWithin);
    const before = await begin(run);
    const problem = `${where}: the work took longer than ${timeoutMs} ms`;
    result = await withinTime(Promise.resolve(work(tx, run)), timeoutMs, problem);
    await end(run, before);
  });
  // The transaction resolves only where the work has.
  return result as T;
}
