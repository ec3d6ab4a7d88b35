import type { Migration } from './migration.ts';

/** The tables of accounts: tickets, refresh tokens, second factors, passkeys. */
export const accountsMigration: Migration = {
  version: 5,
  name: 'Accounts',
  statements: (schema) => `
      CREATE TABLE ${schema}.tickets (
        id text COLLATE "C" PRIMARY KEY,
        purpose text COLLATE "C" NOT NULL,
        subject text COLLATE "C",
        ends_at bigint NOT NULL,
        record text NOT NULL
      );
      CREATE INDEX tickets_by_subject ON ${schema}.tickets (purpose, subject);
      CREATE INDEX tickets_by_end ON ${schema}.tickets (ends_at);
      CREATE TABLE ${schema}.refresh_token_families (
        id text COLLATE "C" PRIMARY KEY,
        current text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        ended text CHECK (ended IN ('reused', 'revoked')),
        ends_at bigint NOT NULL,
        record text NOT NULL
      );
      CREATE INDEX refresh_token_families_by_subject
        ON ${schema}.refresh_token_families (subject);
      CREATE INDEX refresh_token_families_by_end ON ${schema}.refresh_token_families (ends_at);
      CREATE TABLE ${schema}.totp (
        account text COLLATE "C" PRIMARY KEY,
        version text COLLATE "C" NOT NULL,
        record text NOT NULL
      );
      CREATE TABLE ${schema}.passkeys (
        id text COLLATE "C" PRIMARY KEY,
        subject text COLLATE "C" NOT NULL,
        counter bigint NOT NULL,
        backed_up boolean NOT NULL,
        label text NOT NULL,
        created_at bigint NOT NULL,
        last_used_at bigint,
        record text NOT NULL
      );
      CREATE INDEX passkeys_by_subject ON ${schema}.passkeys (subject, created_at);`,
};
