import type { Migration } from '../migrations/migration.ts';

/** Roll-ups of usage. Each writer has rows of its own, so that none waits for another and none counts twice. */
export const usageMigration: Migration = {
  version: 40,
  name: 'usage',
  statements: (schema) => `
      CREATE TABLE ${schema}.usage_rollups (
        dimension text COLLATE "C" NOT NULL,
        span text COLLATE "C" NOT NULL,
        began bigint NOT NULL,
        key text COLLATE "C" NOT NULL,
        writer text COLLATE "C" NOT NULL,
        name text NOT NULL,
        calls bigint NOT NULL,
        error bigint NOT NULL,
        denied bigint NOT NULL,
        failed bigint NOT NULL,
        callers text NOT NULL,
        latency text NOT NULL,
        PRIMARY KEY (dimension, span, began, key, writer)
      );
      CREATE INDEX usage_rollups_by_age ON ${schema}.usage_rollups (span, began);`,
};
