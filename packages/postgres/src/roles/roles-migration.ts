import type { Migration } from '../migrations/migration.ts';

/** The table of roles: who has which one, and where. */
export const rolesMigration: Migration = {
  version: 31,
  name: 'roles',
  // The key is of principal and tenant together; beside it they stand for operators, as JSON, and may be of any length.
  statements: (schema) => `
      CREATE TABLE ${schema}.roles (
        key text COLLATE "C" NOT NULL,
        role text COLLATE "C" NOT NULL,
        principal text NOT NULL,
        tenant text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (key, role)
      );`,
};
