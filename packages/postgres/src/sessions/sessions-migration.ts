import type { Migration } from '../migrations/migration.ts';

/** What has ended lately, so that sessions that are about to begin do not. */
export const sessionEndsMigration: Migration = {
  version: 9,
  name: 'Ended sessions',
  statements: (schema) => `
      CREATE TABLE ${schema}.session_ends (
        key text COLLATE "C" PRIMARY KEY,
        ended_at float8 NOT NULL,
        ends_at bigint NOT NULL
      );
      CREATE INDEX session_ends_by_end ON ${schema}.session_ends (ends_at);`,
};

/** When a session ends at the latest, by the clock of the database. Unknown for those that were there before. */
export const lastSessionEndsMigration: Migration = {
  version: 10,
  name: 'Last ends of sessions',
  statements: (schema) => `
      ALTER TABLE ${schema}.sessions ADD COLUMN last_end bigint;`,
};

/** The table of sessions of browsers. */
export const sessionsMigration: Migration = {
  version: 3,
  name: 'Sessions',
  statements: (schema) => `
      CREATE TABLE ${schema}.sessions (
        id text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        issuer text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        sid text COLLATE "C",
        created_at bigint NOT NULL,
        ends_at bigint NOT NULL,
        record text NOT NULL,
        lease_holder text,
        lease_until bigint
      );
      CREATE INDEX sessions_by_subject ON ${schema}.sessions (issuer, subject);
      CREATE INDEX sessions_by_sid ON ${schema}.sessions (issuer, sid);
      CREATE INDEX sessions_by_end ON ${schema}.sessions (ends_at);`,
};
