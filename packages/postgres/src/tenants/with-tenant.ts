import {
  ConfigurationError,
  type Duration,
  type MaybePromise,
  type TenantScope,
} from '@apisec/core';
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
 * A transaction within another, as Drizzle has them, must be of the same tenant; behind it, the outer one sees what it
 * saw before. What outlives a transaction also outlives its tenant on the connection: temporary tables, cursors `WITH
 * HOLD`, and `SET` without `LOCAL`. Keep the work free of them.
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
    throw new TypeError(`${where}: the tenant must be the id of one: hand over the fact tenant.`);
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
  const settings: readonly (readonly [string, string])[] = [
    [setting, literal(tenant)],
    ['statement_timeout', onServer(timeoutMs)],
    // Behind the end of the work: it closes the connection, and is there for processes that have stopped.
    ['idle_in_transaction_session_timeout', onServer(timeoutMs + IDLE_AFTER_MS)],
    ...(role === undefined ? [] : [['role', literal(role)] as const]),
  ];
  // Nothing else sets it, so it is empty unless this transaction is within one of a tenant.
  const mark = `${setting}_of_transaction`;
  const all = [...settings, [mark, literal(tenant)] as const];
  const begin = `SELECT ${[
    ...all.map(([name], at) => `current_setting('${name}', true) AS before_${at}`),
    ...all.map(([name, value]) => `set_config('${name}', ${value}, true)`),
  ].join(', ')}`;
  const transact = transactionsOf(where, db);
  let result: T | undefined;
  await transact(async (tx, run) => {
    const [row] = await run(begin);
    const before = all.map((_, at) => textOf(row, `before_${at}`));
    const outer = before.at(-1);
    if (outer !== '' && outer !== tenant)
      throw new ConfigurationError(`${where}: this is a transaction of another tenant already.`);
    const problem = `${where}: the work took longer than ${timeoutMs} ms`;
    result = await withinTime(Promise.resolve(work(tx, run)), timeoutMs, problem);
    return `SELECT ${all
      .map(([name], at) => `set_config('${name}', ${literal(before[at] ?? '')}, true)`)
      .join(', ')}`;
  });
  // The transaction resolves only where the work has.
  return result as T;
}

const IDLE_AFTER_MS = 1_000;

/** The text of a column; empty where it is null. */
function textOf(row: unknown, column: string): string {
  // `current_setting` answers a text or null.
  return (row as Readonly<Record<string, string | null>>)[column] ?? '';
}

/** PGlite is one process with its caller: a session that it ends takes the database with it. */
function onServer(timeoutMs: number): string {
  return `CASE WHEN version() LIKE '%PGlite%' THEN '0' ELSE '${timeoutMs}' END`;
}

/** Bytes as hexadecimal digits: whatever is in the text, nothing of it is read as SQL. */
export function literal(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `convert_from(decode('${digits}', 'hex'), 'UTF8')`;
}
