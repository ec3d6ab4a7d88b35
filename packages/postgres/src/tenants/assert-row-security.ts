import { ConfigurationError } from '@apisec/core';
import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import { type QuotedTable, quoteTable, settingName, type TenantTable } from './row-security.ts';
import { literal } from './sql-literal.ts';
import type { Run } from './tenant-databases.ts';
import { inTransaction, type WithTenantOptions } from './with-tenant.ts';

/** Options of {@link assertRowSecurity}. */
export interface AssertRowSecurityOptions extends WithTenantOptions {
  /** Every table whose rows belong to tenants. */
  readonly tables: readonly TenantTable[];
  /**
   * Lets the user who connected be above row-level security, where every transaction takes a `role` that is not. PGlite
   * has no other user.
   */
  readonly insecurePrivilegedLogin?: boolean | undefined;
}

/** Ends the transaction of the test. */
class Done extends Error {}

/**
 * Tests the wall between tenants, to be called at every start: a tenant that does not exist sees no row, nobody sees
 * one without a tenant, and nobody writes a row of another. Looks as well at what such a test cannot see in empty
 * tables: that row-level security is on and forced, that a policy reads the column for every command, that partitions
 * are behind the wall, and that neither the role nor one that it can take is above it. It leaves nothing behind.
 *
 * Rejects with `ConfigurationError` that lists every problem, and with what the database says where it cannot be asked.
 *
 * @throws ConfigurationError
 * @example
 * await assertRowSecurity(pool, { tables: [{ table: 'orders' }, { table: 'invoices', column: 'tenant' }] });
 */
export async function assertRowSecurity(
  db: object,
  options: AssertRowSecurityOptions,
): Promise<void> {
  const where = 'assertRowSecurity';
  assertKnownOptions(where, options, [
    'tables',
    'insecurePrivilegedLogin',
    'setting',
    'timeout',
    'role',
  ]);
  const { tables, insecurePrivilegedLogin = false, ...inTenant } = options;
  assertConfiguration(
    Array.isArray(tables) && tables.length > 0,
    `${where}: name the tables: tables: [{ table: 'orders', column: 'tenant_id' }].`,
  );
  assertConfiguration(
    typeof insecurePrivilegedLogin === 'boolean' &&
      (!insecurePrivilegedLogin || inTenant.role !== undefined),
    `${where}: insecurePrivilegedLogin needs role, the role that every transaction takes.`,
  );
  const setting = settingName(where, inTenant.setting);
  const quoted = tables.map((table) => quoteTable(where, table));
  const problems: string[] = [];
  // Both are valid texts and uuids, and no tenant has them.
  const [stranger, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const undo = new Done();
  try {
    await inTransaction(where, db, stranger, inTenant, async (_tx, run) => {
      problems.push(...(await rolesAbove(run, insecurePrivilegedLogin)));
      for (const table of quoted) {
        problems.push(...(await problemsOf(run, table, setting, other)));
      }
      throw undo;
    });
  } catch (cause) {
    if (!isCausedBy(cause, undo)) throw cause;
  }
  if (problems.length > 0)
    throw new ConfigurationError(`${where}: tenants are not kept apart: ${problems.join('; ')}.`);
}

async function rolesAbove(run: Run, privilegedLogin: boolean): Promise<readonly string[]> {
  const user = privilegedLogin ? 'current_user' : 'session_user';
  const rows = await run(`SELECT rolname AS name FROM pg_catalog.pg_roles
    WHERE (rolsuper OR rolbypassrls)
      AND (rolname = current_user OR pg_has_role(${user}, oid, 'MEMBER'))`);
  return rows.map(
    (row) =>
      `the role ${textOf(row, 'name')}, which it is or can take, is a superuser or has BYPASSRLS: connect as another`,
  );
}

async function problemsOf(
  run: Run,
  { name, column, rawColumn }: QuotedTable,
  setting: string,
  other: string,
): Promise<readonly string[]> {
  const [found] =
    await run(`SELECT oid::text AS oid, relrowsecurity AS enabled, relforcerowsecurity AS forced
    FROM pg_catalog.pg_class WHERE oid = to_regclass(${literal(name)})`);
  if (found === undefined) return [`there is no table ${name}`];
  const problems: string[] = [];
  if (!isTrue(found, 'enabled')) problems.push(`${name} has no row-level security`);
  else if (!isTrue(found, 'forced'))
    problems.push(`${name} does not force row-level security on its owner`);
  const oid = Number(textOf(found, 'oid'));
  const kept = await columnOf(run, oid, rawColumn);
  if (kept === undefined) return [...problems, `${name} has no column ${column}`];
  const { type, isExact } = kept;
  // Others take two tenants for one: those that differ in case, or in blanks at the end.
  if (!EXACT_TYPES.has(type) || !isExact)
    problems.push(
      `${column} of ${name} must be text, varchar or uuid, with a deterministic collation`,
    );

  const open = await run(`SELECT c.oid::regclass::text AS name
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ${oid} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')`);
  for (const part of open)
    problems.push(`the partition ${textOf(part, 'name')} of ${name} can be used without the wall`);

  const policies = (await run(`SELECT polpermissive AS permissive, polcmd::text AS command,
      pg_get_expr(polqual, polrelid) AS seen, pg_get_expr(polwithcheck, polrelid) AS written
    FROM pg_catalog.pg_policy WHERE polrelid = ${oid}`)) as readonly PolicyRow[];
  for (const [command, label] of COMMANDS) {
    if (!isWalled(policies, command, rawColumn))
      problems.push(`a policy of ${name} for ${label} does not read the column ${column}`);
  }

  const attempt = async (text: string): Promise<readonly unknown[] | string> => {
    await run('SAVEPOINT apisec_test');
    try {
      return await run(text);
    } catch (cause) {
      await run('ROLLBACK TO SAVEPOINT apisec_test');
      return stateOf(cause);
    }
  };
  const look = `SELECT 1 FROM ${name} LIMIT 1`;
  const seen = await attempt(look);
  if (typeof seen === 'string' ? seen !== NOT_ALLOWED : seen.length > 0)
    problems.push(
      `a tenant that does not exist sees rows of ${name}, or cannot ask (${describe(seen)})`,
    );
  const written = await attempt(
    `INSERT INTO ${name} (${column}) VALUES (${literal(other)}${type === 'uuid' ? '::uuid' : ''})`,
  );
  if (typeof written !== 'string' || !WRITES_DENIED.has(written))
    problems.push(`a tenant may write rows of another into ${name} (${describe(written)})`);
  await run('SAVEPOINT apisec_test');
  await run(`SELECT set_config('${setting}', '', true)`);
  const alone = await attempt(look);
  if (typeof alone === 'string' ? alone !== NOT_ALLOWED : alone.length > 0)
    problems.push(
      `rows of ${name} are seen without a tenant, or it cannot be asked (${describe(alone)})`,
    );
  await run('ROLLBACK TO SAVEPOINT apisec_test');
  return problems;
}

/** The type of the column, and whether texts that differ in it differ for the database. */
async function columnOf(
  run: Run,
  oid: number,
  column: string,
): Promise<{ readonly type: string; readonly isExact: boolean } | undefined> {
  const [row] =
    await run(`SELECT format_type(a.atttypid, NULL) AS type, COALESCE(c.collisdeterministic, true) AS exact
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = ${oid} AND a.attname = ${literal(column)} AND a.attnum > 0 AND NOT a.attisdropped`);
  return row === undefined
    ? undefined
    : { type: textOf(row, 'type'), isExact: isTrue(row, 'exact') };
}

interface PolicyRow {
  readonly permissive: boolean;
  readonly command: string;
  readonly seen: string | null;
  readonly written: string | null;
}

const COMMANDS = [
  ['r', 'SELECT'],
  ['a', 'INSERT'],
  ['w', 'UPDATE'],
  ['d', 'DELETE'],
] as const;
const EXACT_TYPES: ReadonlySet<string> = new Set(['text', 'character varying', 'uuid']);
/** insufficient_privilege: of a policy, and of a role that may not do it at all. */
const NOT_ALLOWED = '42501';
/** Also where nobody writes the column: generated_always. */
const WRITES_DENIED: ReadonlySet<string> = new Set([NOT_ALLOWED, '428C9']);

/** One restrictive policy reads the column, or every permissive one does; of none, nothing is seen. */
function isWalled(policies: readonly PolicyRow[], command: string, column: string): boolean {
  const applicable = policies.filter((each) => each.command === '*' || each.command === command);
  const reads = ({ seen, written }: PolicyRow): boolean => {
    const rules =
      command === 'a' ? [written ?? seen] : command === 'w' ? [seen, written ?? seen] : [seen];
    return rules.every((rule) => rule?.includes(column));
  };
  return (
    applicable.some((each) => !each.permissive && reads(each)) ||
    applicable.filter((each) => each.permissive).every(reads)
  );
}

function describe(answer: readonly unknown[] | string): string {
  return typeof answer === 'string' ? `SQLSTATE ${answer}` : `${answer.length} rows`;
}

function textOf(row: unknown, member: string): string {
  return String((row as Readonly<Record<string, unknown>>)[member]);
}

function isTrue(row: unknown, member: string): boolean {
  return (row as Readonly<Record<string, unknown>>)[member] === true;
}

/** The SQLSTATE of an error, also where a library has wrapped it. */
function stateOf(cause: unknown): string {
  for (let at: unknown = cause; at instanceof Error; at = at.cause) {
    const { code } = at as { readonly code?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  throw cause;
}

function isCausedBy(error: unknown, wanted: Error): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (at === wanted) return true;
  return false;
}
