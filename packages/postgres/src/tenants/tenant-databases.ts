import { ConfigurationError } from '@apisec/core';
import { withinTime } from '@apisec/core/host';

/** What the work of a transaction on a pool of pg gets. It says no once the transaction is over. */
export interface TenantClient {
  readonly query: (
    text: string,
    params?: unknown[],
  ) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

interface PooledClient {
  readonly query: (
    text: string,
    params?: unknown[],
  ) => Promise<{ readonly rows: readonly unknown[] }>;
  readonly release: (destroy?: boolean) => void;
}

/** A pool of pg. Not a single client: two calls would share its transaction. */
export interface TenantPool {
  readonly totalCount: number;
  readonly connect: () => Promise<PooledClient>;
}

/** PGlite, or a database of Drizzle. */
export interface TransactionalDatabase<out Tx> {
  readonly transaction: (work: (tx: Tx) => Promise<unknown>) => Promise<unknown>;
}

/** A database of Kysely. */
export interface KyselyDatabase<out Tx> {
  readonly selectFrom: unknown;
  readonly transaction: () => {
    readonly execute: (work: (tx: Tx) => Promise<unknown>) => Promise<unknown>;
  };
}

/** One statement in a transaction, whatever library it is of. */
export type Run = (text: string) => Promise<readonly unknown[]>;

/**
 * Begins a transaction, does the work in it, and ends it: by COMMIT, or by ROLLBACK where the work rejects. `isWithin`
 * says that it is a savepoint of another transaction.
 */
export type Transact = (
  work: (tx: object, run: Run, isWithin: boolean) => Promise<void>,
) => Promise<unknown>;

/** How long a connection may take to undo what it has done, before it is closed instead. */
const UNDO_MS = 1_000;

/**
 * How to begin a transaction on this database. The four kinds are told apart by what they have.
 *
 * @throws ConfigurationError for anything else.
 */
export function transactionsOf(where: string, db: unknown): Transact {
  const given = (typeof db === 'object' && db !== null ? db : {}) as Partial<
    Record<'transaction' | 'selectFrom' | 'query' | 'execute' | 'connect' | 'totalCount', unknown>
  >;
  if (typeof given.transaction === 'function') {
    if (typeof given.selectFrom === 'function') return kysely(db as KyselyDatabase<object>);
    // Drizzle has a property `query` that is not a function.
    if (typeof given.query === 'function') return pglite(db as TransactionalDatabase<Queries>);
    if (typeof given.execute === 'function') return drizzle(db as TransactionalDatabase<Executes>);
  }
  if (typeof given.connect === 'function' && typeof given.totalCount === 'number')
    return pool(db as TenantPool);
  throw new ConfigurationError(
    `${where}: the database must be a Pool of pg, PGlite, or a database of Drizzle or Kysely.`,
  );
}

interface Queries {
  readonly query: (text: string) => Promise<{ readonly rows: readonly unknown[] }>;
}

interface Executes {
  readonly execute: (text: string) => Promise<unknown>;
  /** Transactions have it, databases do not. */
  readonly rollback?: unknown;
}

function pglite(db: TransactionalDatabase<Queries>): Transact {
  return (work) =>
    db.transaction((tx) => work(tx, async (text) => (await tx.query(text)).rows, false));
}

function drizzle(db: TransactionalDatabase<Executes>): Transact {
  const isWithin = (db as Partial<Executes>).rollback !== undefined;
  return (work) =>
    db.transaction((tx) => work(tx, async (text) => rowsOf(await tx.execute(text)), isWithin));
}

/** Its drivers differ: some answer the rows, some a result that has them. */
function rowsOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : ((answer as { rows?: readonly unknown[] }).rows ?? []);
}

interface KyselyTransaction {
  readonly executeQuery: (query: object) => Promise<{ readonly rows: readonly unknown[] }>;
}

function kysely(db: KyselyDatabase<object>): Transact {
  return (work) =>
    db.transaction().execute((tx) =>
      work(
        tx,
        async (text) => {
          // What CompiledQuery.raw makes, which is data.
          const query = {
            sql: text,
            parameters: [],
            query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
            queryId: { queryId: 'apisec' },
          };
          return (await (tx as KyselyTransaction).executeQuery(query)).rows;
        },
        false,
      ),
    );
}

function pool(db: TenantPool): Transact {
  return async (work) => {
    const client = await db.connect();
    let isOver = false;
    const tx: TenantClient = {
      query: async (text, params) => {
        // Else it would run on a connection that somebody else has by now.
        if (isOver)
          throw new Error('the transaction of the tenant is over: await every query in it');
        const { rows } = await client.query(text, params);
        // Drivers answer an object for each row.
        return { rows: rows as readonly Record<string, unknown>[] };
      },
    };
    // A connection that breaks while nobody asks it anything would end the process.
    const { on, off } = client as Partial<Record<'on' | 'off', Listen>>;
    on?.call(client, 'error', ignore);
    let wasOpen = false;
    const notice: Parameters<Listen>[1] = ({ code }) => {
      wasOpen ||= code === IN_TRANSACTION;
    };
    let isSound = false;
    try {
      on?.call(client, 'notice', notice);
      await client.query('BEGIN');
      if (wasOpen) throw new Error(LEFT_OPEN);
      await work(tx, async (text) => (await client.query(text)).rows, false);
      isOver = true;
      const end: unknown = await client.query('COMMIT');
      isSound = true;
      // PostgreSQL undoes all of it where a statement has failed, and does not say so as an error.
      if ((end as { command?: unknown }).command === 'ROLLBACK')
        throw new Error('a statement of the transaction failed, so nothing of it was kept');
    } catch (cause) {
      isOver = true;
      isSound ||= !wasOpen && (await undone(client));
      throw cause;
    } finally {
      off?.call(client, 'notice', notice);
      off?.call(client, 'error', ignore);
      // Who left a transaction open may still use its connection, so nobody else does.
      client.release(!isSound);
    }
  };
}

/** active_sql_transaction: of a BEGIN within a transaction, which is a warning only. */
const IN_TRANSACTION = '25001';
const LEFT_OPEN =
  'the connection came from the pool in the middle of a transaction, which is undone: end each before its connection goes back';

type Listen = (
  event: string,
  listener: (notice: { readonly code?: string | undefined }) => void,
) => void;

function ignore(): void {}

function undone(client: PooledClient): Promise<boolean> {
  return withinTime(client.query('ROLLBACK'), UNDO_MS).then(
    () => true,
    () => false,
  );
}
