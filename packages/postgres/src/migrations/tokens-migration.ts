import type { Migration } from './migration.ts';

/** The tables of tokens: what was used once, and what was revoked. */
export const tokensMigration: Migration = {
  version: 7,
  name: 'Replays and revocations',
  statements: (schema) => `
      CREATE TABLE ${schema}.replays (
        key text COLLATE "C" PRIMARY KEY,
        ends_at bigint NOT NULL
      );
      CREATE INDEX replays_by_end ON ${schema}.replays (ends_at);
      CREATE TABLE ${schema}.revocations (
        key text COLLATE "C" PRIMARY KEY,
        all_until bigint,
        issued_before float8,
        before_until bigint
      );
      CREATE INDEX revocations_by_end
        ON ${schema}.revocations (coalesce(greatest(all_until, before_until), 0));`,
};
