import { assertColumns, type Plan, toSql } from '@apisec/core';
import { toDrizzle } from '@apisec/core/to-drizzle';
import { toKysely } from '@apisec/core/to-kysely';
import type { PGlite } from '@electric-sql/pglite';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import { document } from './policy.ts';

export interface Document {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly department: string | null;
  readonly status: string;
  readonly readers: readonly string[];
}

type Listed = Plan<'document'>;
type List = (planned: Listed) => Promise<readonly string[]>;

/**
 * How the table stores each field. A type that the database would compare differently from a rule is rejected at
 * construction, and `assertColumns` finds a table that differs from this description.
 */
export const stored = {
  dialect: 'postgresql',
  table: 'documents',
  columns: {
    id: 'text',
    tenantId: { name: 'tenant_id', type: 'text' },
    ownerId: { name: 'owner_id', type: 'text' },
    department: 'text',
    status: 'text',
    readers: 'text[]',
  },
} as const;

/** Run when the server starts: throws where the table is not as `stored` says. */
export function checkTable(db: PGlite): Promise<void> {
  return assertColumns(
    document,
    stored,
    async (statement, params) => (await db.query(statement, [...params])).rows,
  );
}

/** By hand: the condition has parameters alone, and other conditions may stand beside it. */
export function sqlList(db: PGlite): List {
  const where = toSql(document, stored);
  return async (planned) => {
    const { text, params } = where(planned);
    const { rows } = await db.query<{ id: string }>(
      `SELECT id FROM documents WHERE ${text} ORDER BY id`,
      [...params],
    );
    return rows.map(({ id }) => id);
  };
}

interface Database {
  readonly documents: { readonly id: string };
}

export function kyselyList(db: PGlite): List {
  const where = toKysely(document, stored);
  const kysely = new Kysely<Database>({ dialect: new PostgresDialect({ pool: poolOf(db) }) });
  return async (planned) => {
    const rows = await kysely
      .selectFrom('documents')
      .select('id')
      .where(where(planned))
      .orderBy('id')
      .execute();
    return rows.map(({ id }) => id);
  };
}

const documents = pgTable('documents', {
  id: text('id').notNull(),
  tenantId: text('tenant_id').notNull(),
  ownerId: text('owner_id').notNull(),
  department: text('department'),
  status: text('status').notNull(),
  readers: text('readers').array().notNull(),
});

export function drizzleList(db: PGlite): List {
  // Reads the types of the columns from the schema, and throws if they differ from the fields.
  const where = toDrizzle(document, { dialect: 'postgresql', table: documents });
  const orm = drizzle(db);
  return async (planned) => {
    const rows = await orm
      .select({ id: documents.id })
      .from(documents)
      .where(where(planned))
      .orderBy(documents.id);
    return rows.map(({ id }) => id);
  };
}

/** What Kysely needs of a pool of pg; PGlite has one connection. */
function poolOf(db: PGlite): PostgresPool {
  const pool = {
    connect: async () => ({
      query: async (sql: string, parameters: readonly unknown[]) => {
        const { rows, affectedRows } = await db.query(sql, [...parameters]);
        return { command: 'SELECT' as const, rowCount: affectedRows ?? rows.length, rows };
      },
      release: () => undefined,
    }),
    end: async () => undefined,
  };
  // The type also takes cursors, which Kysely asks for in streams alone.
  return pool as unknown as PostgresPool;
}
