import type { Migration } from '../migrations/migration.ts';

/** The table of tenants. */
export const tenantsMigration: Migration = {
  version: 30,
  name: 'tenants',
  // COLLATE "C": ids that differ in any character differ, and pages follow the order of bytes.
  statements: (schema) => `
      CREATE TABLE ${schema}.tenants (
        id text COLLATE "C" PRIMARY KEY,
        status text NOT NULL CHECK (status IN ('active', 'suspended', 'closed')),
        attributes text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );`,
};
