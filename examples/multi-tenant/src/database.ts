import { memoryTenantStore, type TenantStore } from '@apisec/core';
import { assertRowSecurity, rowSecuritySql, withTenant } from '@apisec/postgres';
import { PGlite } from '@electric-sql/pglite';

export interface Document {
  readonly id: string;
  readonly tenant: string;
  readonly title: string;
}

export interface Comment {
  readonly document: string;
  readonly tenant: string;
  readonly text: string;
}

/** What the queries need: a transaction of a tenant, or the whole database. */
export interface Queries {
  readonly query: (text: string, params?: unknown[]) => Promise<{ readonly rows: unknown[] }>;
}

/** Runs work on the rows of one tenant. */
export type InTenant = <T>(tenant: string, work: (db: Queries) => Promise<T>) => Promise<T>;

const APP_ROLE = 'notes_app';
const TABLES = ['documents', 'comments'];

/**
 * The database of all tenants. PGlite is PostgreSQL in this process; its one user is above the wall, so we take a role.
 */
export async function openDatabase(): Promise<PGlite> {
  const db = await PGlite.create();
  await db.exec(`
    CREATE TABLE documents (
      id text NOT NULL, tenant text NOT NULL, title text NOT NULL, PRIMARY KEY (tenant, id)
    );
    CREATE TABLE comments (document text NOT NULL, tenant text NOT NULL, text text NOT NULL);
    INSERT INTO documents VALUES
      ('1', 'acme', 'Acme plans'), ('2', 'acme', 'Acme menu'),
      ('1', 'globex', 'Globex secrets'), ('3', 'globex', 'Globex payroll');
    INSERT INTO comments VALUES ('1', 'acme', 'fine'), ('1', 'globex', 'top secret');
    CREATE ROLE ${APP_ROLE};
    GRANT SELECT, INSERT, UPDATE ON documents, comments TO ${APP_ROLE};
    ${TABLES.map((table) => rowSecuritySql({ table, column: 'tenant' })).join('\n')}
  `);
  // Does not start where a tenant would see a row of another.
  await assertRowSecurity(db, {
    tables: TABLES.map((table) => ({ table, column: 'tenant' })),
    role: APP_ROLE,
    insecurePrivilegedLogin: true,
  });
  return db;
}

export function tenantsOfNotes(): TenantStore {
  const tenants = memoryTenantStore();
  for (const id of ['acme', 'globex']) tenants.create({ id, status: 'active', attributes: {} });
  tenants.create({ id: 'initech', status: 'suspended', attributes: {} });
  return tenants;
}

/** Each piece of work sees its tenant alone, whatever its queries say. */
export function walled(db: PGlite): InTenant {
  return (tenant, work) => withTenant(db, tenant, (tx) => work(tx), { role: APP_ROLE });
}
