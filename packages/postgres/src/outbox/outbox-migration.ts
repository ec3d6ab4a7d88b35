import type { Migration } from '../migrations/migration.ts';

/** Endpoints, deliveries and the log of attempts. */
export const outboxMigration: Migration = {
  version: 20,
  name: 'webhook outbox',
  statements: (schema) => `
      CREATE TABLE ${schema}.webhook_endpoints (
        id text COLLATE "C" PRIMARY KEY,
        tenant text NOT NULL,
        url text NOT NULL,
        secrets jsonb NOT NULL,
        status text NOT NULL CHECK (status IN ('unverified', 'active', 'disabled')),
        reason text,
        failures integer NOT NULL DEFAULT 0,
        paused_until bigint NOT NULL DEFAULT 0
      );
      CREATE TABLE ${schema}.webhook_deliveries (
        seq bigint GENERATED ALWAYS AS IDENTITY,
        id text COLLATE "C" PRIMARY KEY,
        message_id text NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        body text NOT NULL,
        order_key text,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        created_at bigint NOT NULL,
        due_at bigint NOT NULL,
        leased_until bigint NOT NULL DEFAULT 0,
        lease text NOT NULL DEFAULT '',
        last_outcome text
      );
      CREATE INDEX webhook_deliveries_due ON ${schema}.webhook_deliveries (due_at, seq)
        WHERE status = 'pending';
      CREATE INDEX webhook_deliveries_order
        ON ${schema}.webhook_deliveries (endpoint_id, order_key, seq)
        WHERE status = 'pending' AND order_key IS NOT NULL;
      CREATE INDEX webhook_deliveries_log ON ${schema}.webhook_deliveries (endpoint_id, seq);
      CREATE TABLE ${schema}.webhook_attempts (
        delivery_id text COLLATE "C" NOT NULL,
        at bigint NOT NULL,
        outcome text NOT NULL
      );
      CREATE INDEX webhook_attempts_log ON ${schema}.webhook_attempts (delivery_id, at);`,
};

/** What tells two changes of an endpoint apart. */
export const webhookEndpointVersionMigration: Migration = {
  version: 21,
  name: 'versions of webhook endpoints',
  statements: (schema) => `
      ALTER TABLE ${schema}.webhook_endpoints
        ADD COLUMN version text NOT NULL DEFAULT gen_random_uuid()::text;`,
};

/** What is leased or cannot be sent yet leaves the front of the queue, so that nobody reads past it again and again. */
export const webhookQueueMigration: Migration = {
  version: 22,
  name: 'webhook queue without detours',
  statements: (schema) => `
      UPDATE ${schema}.webhook_deliveries SET due_at = greatest(due_at, leased_until)
        WHERE status = 'pending';
      ALTER TABLE ${schema}.webhook_deliveries
        DROP COLUMN leased_until, ADD COLUMN held boolean NOT NULL DEFAULT false;
      CREATE INDEX webhook_deliveries_held ON ${schema}.webhook_deliveries (endpoint_id)
        WHERE status = 'pending' AND held;`,
};

/** What has ended, by when it did: to forget the oldest without a look at the others. */
export const webhookRetentionMigration: Migration = {
  version: 23,
  name: 'retention of webhooks',
  statements: (schema) => `
      CREATE INDEX webhook_deliveries_ended ON ${schema}.webhook_deliveries (due_at)
        WHERE status <> 'pending';`,
};

/** What is put off until an endpoint (`e:` and its id) or a tenant (`t:`) has a place again, by whom it waits for. */
export const webhookSharesMigration: Migration = {
  version: 24,
  name: 'shares of webhook workers',
  statements: (schema) => `
      ALTER TABLE ${schema}.webhook_deliveries ADD COLUMN waits_for text COLLATE "C";
      CREATE INDEX webhook_deliveries_waiting ON ${schema}.webhook_deliveries (waits_for, seq)
        WHERE status = 'pending' AND held AND waits_for IS NOT NULL;`,
};
