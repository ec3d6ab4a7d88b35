import type { Migration } from '../migrations/migration.ts';

/**
 * Failed attempts. Each decision is one function, since an attempt counts against all of its keys or none. Rows are
 * locked in the order of their keys, so that two decisions never wait for each other.
 */
export const countersMigration: Migration = {
  version: 8,
  name: 'Failed attempts',
  statements: (schema) => `
      CREATE TABLE ${schema}.failures (
        key text COLLATE "C" PRIMARY KEY,
        failures integer NOT NULL DEFAULT 0,
        first_at float8 NOT NULL DEFAULT 0,
        times float8[] NOT NULL DEFAULT '{}',
        ends_at float8 NOT NULL DEFAULT 0
      );
      CREATE INDEX failures_by_end ON ${schema}.failures (ends_at);
      CREATE FUNCTION ${schema}.failures_of(wanted text, present float8)
      RETURNS ${schema}.failures LANGUAGE plpgsql AS $body$
      DECLARE
        found_row ${schema}.failures;
        ahead float8;
      BEGIN
        SELECT * INTO found_row FROM ${schema}.failures WHERE key = wanted;
        IF found_row.ends_at <= present THEN
          found_row.failures := 0;
          found_row.times := '{}';
        END IF;
        ahead := found_row.times[1] - present;
        IF ahead > 1000 THEN
          -- The clock was set back: the last one was now, and pauses take their time.
          found_row.first_at := found_row.first_at - ahead;
          found_row.times := ARRAY(SELECT each - ahead FROM unnest(found_row.times) WITH ORDINALITY AS t (each, at) ORDER BY at);
          found_row.ends_at := found_row.ends_at - ahead;
          UPDATE ${schema}.failures SET first_at = found_row.first_at, times = found_row.times, ends_at = found_row.ends_at
            WHERE key = wanted;
        END IF;
        RETURN found_row;
      END
      $body$;
      CREATE FUNCTION ${schema}.attempt_all(asked jsonb, told float8) RETURNS text LANGUAGE plpgsql AS $body$
      DECLARE
        keys text[] := ARRAY(
          SELECT DISTINCT (each->>'key') COLLATE "C" FROM jsonb_array_elements(asked) AS each ORDER BY 1
        );
        present float8;
        wait float8 := 0;
        pause float8;
        rule jsonb;
        row_of ${schema}.failures;
      BEGIN
        -- Locked in one order, whether they are there or not; where they are, nothing is written yet.
        INSERT INTO ${schema}.failures (key) SELECT unnest(keys)
          ON CONFLICT (key) DO UPDATE SET key = EXCLUDED.key WHERE false;
        present := coalesce(told, floor(extract(epoch FROM clock_timestamp()) * 1000));
        FOR rule IN SELECT * FROM jsonb_array_elements(asked) LOOP
          row_of := ${schema}.failures_of(rule->>'key', present);
          CONTINUE WHEN row_of.failures = 0;
          pause := CASE
            WHEN row_of.failures >= (rule->>'lockAfter')::float8 THEN (rule->>'lockFor')::float8
            WHEN row_of.failures <= (rule->>'free')::float8 THEN 0
            ELSE least(
              (rule->>'maxDelay')::float8,
              (rule->>'delay')::float8 * power(2, least(60, row_of.failures - (rule->>'free')::float8 - 1))
            )
          END;
          wait := greatest(wait, row_of.times[1] + pause - present);
        END LOOP;
        IF wait > 0 THEN RETURN jsonb_build_array(wait)::text; END IF;
        FOR rule IN SELECT * FROM jsonb_array_elements(asked) LOOP
          row_of := ${schema}.failures_of(rule->>'key', present);
          UPDATE ${schema}.failures SET
            failures = row_of.failures + 1,
            first_at = CASE WHEN row_of.failures = 0 THEN present ELSE row_of.first_at END,
            times = (present || row_of.times)[1:8],
            ends_at = present + (rule->>'forgetAfter')::float8
            WHERE key = rule->>'key';
        END LOOP;
        RETURN jsonb_build_array(0, present)::text;
      END
      $body$;
      CREATE FUNCTION ${schema}.reconcile_attempts(asked jsonb, told float8) RETURNS void LANGUAGE plpgsql AS $body$
      DECLARE
        present float8;
        each jsonb;
        at integer;
        row_of ${schema}.failures;
      BEGIN
        PERFORM FROM ${schema}.failures
          WHERE key IN (SELECT one->>'key' FROM jsonb_array_elements(asked) AS one) ORDER BY key FOR UPDATE;
        present := coalesce(told, floor(extract(epoch FROM clock_timestamp()) * 1000));
        FOR each IN SELECT * FROM jsonb_array_elements(asked) LOOP
          row_of := ${schema}.failures_of(each->>'key', present);
          CONTINUE WHEN row_of.key IS NULL OR row_of.failures = 0;
          IF each->>'result' = 'reset' THEN
            row_of.failures := 0;
          ELSE
            CONTINUE WHEN (each->>'ticket')::float8 < row_of.first_at;
            at := array_position(row_of.times, (each->>'ticket')::float8);
            -- Of failures whose times are not kept it is known that they were not later than the earliest that is.
            CONTINUE WHEN at IS NULL AND cardinality(row_of.times) >= row_of.failures;
            IF at IS NOT NULL AND cardinality(row_of.times) > 1 THEN
              row_of.times := row_of.times[1:at - 1] || row_of.times[at + 1:];
            END IF;
            row_of.failures := row_of.failures - 1;
          END IF;
          UPDATE ${schema}.failures SET
            failures = row_of.failures,
            times = CASE WHEN row_of.failures = 0 THEN '{}' ELSE row_of.times END,
            ends_at = CASE
              WHEN row_of.failures = 0 THEN 0
              ELSE row_of.times[1] + (each->>'forgetAfter')::float8
            END
            WHERE key = each->>'key';
        END LOOP;
      END
      $body$;`,
};
