import type { Migration } from '../migrations/migration.ts';

/**
 * Blocks of events in a chain. The events stand as the text that was hashed, since `jsonb` would rewrite them.
 * The triggers keep honest programs from changing what is written; whoever may drop them is found by the hashes.
 */
export const auditMigration: Migration = {
  version: 2,
  name: 'audit trail',
  statements: (schema) => `
      CREATE TABLE ${schema}.audit_chains (
        chain text COLLATE "C" PRIMARY KEY,
        seq bigint NOT NULL,
        hash bytea NOT NULL
      );
      CREATE TABLE ${schema}.audit_blocks (
        chain text COLLATE "C" NOT NULL,
        seq bigint NOT NULL,
        previous bytea NOT NULL,
        hash bytea NOT NULL,
        key_id text NOT NULL,
        written_at bigint NOT NULL,
        writer text COLLATE "C" NOT NULL,
        first bigint NOT NULL,
        count integer NOT NULL,
        accepted bigint NOT NULL,
        lost bigint NOT NULL,
        closing boolean NOT NULL,
        leaves bytea NOT NULL,
        PRIMARY KEY (chain, seq),
        UNIQUE (chain, writer, first, closing)
      );
      CREATE TABLE ${schema}.audit_events (
        chain text COLLATE "C" NOT NULL,
        seq bigint NOT NULL,
        index integer NOT NULL,
        event text NOT NULL,
        PRIMARY KEY (chain, seq, index)
      );
      CREATE VIEW ${schema}.audit_log AS
        SELECT chain, seq, index, to_timestamp((event::jsonb ->> 'time')::bigint / 1000.0) AS time,
          event::jsonb AS event
        FROM ${schema}.audit_events;
      CREATE FUNCTION ${schema}.audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
      BEGIN
        RAISE EXCEPTION 'the audit trail is only ever added to';
      END $body$;
      CREATE TRIGGER audit_blocks_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON ${schema}.audit_blocks
        FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.audit_append_only();
      CREATE TRIGGER audit_events_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON ${schema}.audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.audit_append_only();`,
};
