import { ConfigurationError } from '@apisec/core';
import { literal } from './sql-literal.ts';
import type { Run } from './tenant-databases.ts';

/** What a transaction of a tenant sets. */
export interface TenantSettings {
  readonly tenant: string;
  /** The setting that policies read. */
  readonly setting: string;
  readonly timeoutMs: number;
  readonly role: string | undefined;
}

/** What the settings were before a transaction set them. */
interface Before {
  /** By their order. */
  readonly values: readonly string[];
  readonly path: string;
  readonly role: string;
  /** Of the transaction around this one. Empty where there is none of a tenant. */
  readonly mark: string;
}

/** The first and the last statements of one transaction. */
export interface TenantStatements {
  /** Sets the tenant, unless the transaction is somebody else's. */
  readonly begin: (run: Run) => Promise<Before>;
  /** Asks whether it is still the same transaction, and takes back what the work has set for the session. */
  readonly end: (run: Run, before: Before) => Promise<void>;
}

const IDLE_AFTER_MS = 1_000;

/**
 * `isWithin`: the transaction is a savepoint of another one, which goes on behind it. Any other must be a new one. A
 * connection that came from the pool in the middle of a transaction, or that two transactions share, would commit what
 * others have written, and show one the rows of the other.
 */
export function tenantStatements(
  where: string,
  { tenant, setting, timeoutMs, role }: TenantSettings,
  isWithin: boolean,
): TenantStatements {
  const settings: readonly (readonly [name: string, value: string])[] = [
    [setting, literal(tenant)],
    ['statement_timeout', onServer(timeoutMs)],
    // Behind the end of the work: it closes the connection, and is there for processes that have stopped.
    ['idle_in_transaction_session_timeout', onServer(timeoutMs + IDLE_AFTER_MS)],
    ...(role === undefined ? [] : [['role', literal(role)] as const]),
  ];
  const markName = `${setting}_of_transaction`;
  // No tenant has a blank in its id.
  const mark = `${tenant} ${crypto.randomUUID()}`;
  const isFree = isWithin
    ? `split_part(seen.mark, ' ', 1) IN ('', ${literal(tenant)})`
    : "seen.mark = '' AND NOT seen.has_written";

  const isOwn = `seen.mark = ${literal(mark)} AND seen.tenant = ${literal(tenant)}`;
  /** Deferred triggers still read the settings, so each keeps its value until the transaction is over. */
  const forSession = (before: Before): readonly string[] => [
    `set_config('${setting}', set_config('${setting}', '', false) || ${literal(tenant)}, true)`,
    `set_config('${markName}', '', false)`,
    takenBack('role', before.role, role === undefined ? literal(before.role) : 'NULL'),
    takenBack('search_path', before.path, literal(before.path)),
  ];

  return {
    begin: async (run) => {
      const [row] = await run(`SELECT seen.*, CASE WHEN ${isFree} THEN 'yes' END AS is_free, ${[
        ...settings,
        [markName, literal(mark)] as const,
      ]
        .map(
          ([name, value], at) =>
            `CASE WHEN ${isFree} THEN set_config('${name}', ${value}, true) END AS set_${at}`,
        )
        .join(', ')}
        FROM (SELECT ${settings.map(([name], at) => `current_setting('${name}', true) AS before_${at}`).join(', ')},
          COALESCE(current_setting('${markName}', true), '') AS mark, current_setting('search_path') AS search_path,
          current_setting('role') AS role, txid_current_if_assigned() IS NOT NULL AS has_written OFFSET 0) AS seen`);
      if (textOf(row, 'is_free') !== 'yes') {
        if (isWithin)
          throw new ConfigurationError(
            `${where}: the connection is already in a transaction of another tenant.`,
          );
        throw new Error(
          `${where}: the connection was already in a transaction, which is rolled back. End each before its connection returns to the pool, and do not share a connection`,
        );
      }
      return {
        values: settings.map((_, at) => textOf(row, `before_${at}`)),
        path: textOf(row, 'search_path'),
        role: textOf(row, 'role'),
        mark: textOf(row, 'mark'),
      };
    },
    end: async (run, before) => {
      const restored = isWithin
        ? [
            ...settings.map(([name], at) => set(name, before.values[at] ?? '')),
            set(markName, before.mark),
          ]
        : forSession(before);
      const [row] = await run(`SELECT CASE WHEN ${isOwn} THEN 'yes' END AS is_own, ${restored
        .map((value, at) => `CASE WHEN ${isOwn} THEN ${value} END AS restored_${at}`)
        .join(', ')}
        FROM (SELECT current_setting('${markName}', true) AS mark, current_setting('${setting}', true) AS tenant,
          current_setting('search_path') AS search_path, current_setting('role') AS role OFFSET 0) AS seen`);
      if (textOf(row, 'is_own') !== 'yes') {
        throw new Error(
          `${where}: the work ended the transaction of its tenant or set another tenant, so this transaction is not committed`,
        );
      }
    },
  };
}

function set(name: string, value: string): string {
  return `set_config('${name}', ${literal(value)}, true)`;
}

/** For the session what it was, where it is another value than `expected` now; for the transaction what it is. */
function takenBack(name: 'role' | 'search_path', before: string, expected: string): string {
  const forSession = `left(set_config('${name}', ${literal(before)}, false), 0)`;
  return `CASE WHEN seen.${name} IS DISTINCT FROM ${expected}
    THEN set_config('${name}', ${forSession} || seen.${name}, true) END`;
}

/** The text of a column; empty where it is null. */
function textOf(row: unknown, column: string): string {
  // Columns of `begin` and `end` are texts or null.
  return (row as Readonly<Record<string, string | null>>)[column] ?? '';
}

/** PGlite is one process with its caller: a session that it ends takes the database with it. */
function onServer(timeoutMs: number): string {
  return `CASE WHEN version() LIKE '%PGlite%' THEN '0' ELSE '${timeoutMs}' END`;
}
