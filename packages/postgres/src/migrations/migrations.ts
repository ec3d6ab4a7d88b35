import { auditMigration } from '../audit/audit-migration.ts';
import { countersMigration } from '../counters/counters-migration.ts';
import {
  outboxMigration,
  webhookEndpointVersionMigration,
  webhookQueueMigration,
  webhookRetentionMigration,
  webhookSharesMigration,
} from '../outbox/outbox-migration.ts';
import { rolesMigration } from '../roles/roles-migration.ts';
import {
  lastSessionEndsMigration,
  sessionEndsMigration,
  sessionsMigration,
} from '../sessions/sessions-migration.ts';
import { tenantsMigration } from '../tenants/tenants-migration.ts';
import { usageMigration } from '../usage/usage-migration.ts';
import { accountsMigration } from './accounts-migration.ts';
import type { Migration } from './migration.ts';
import { tokensMigration } from './tokens-migration.ts';

export const migrations: readonly Migration[] = Object.freeze([
  {
    version: 1,
    name: 'API keys',
    // COLLATE "C": pages follow the order of bytes, whatever language the database speaks.
    statements: (schema) => `
      CREATE TABLE ${schema}.api_keys (
        id text COLLATE "C" PRIMARY KEY,
        namespace text NOT NULL,
        tenant text,
        owner_type text NOT NULL CHECK (owner_type IN ('user', 'organisation')),
        owner_id text NOT NULL,
        name text NOT NULL,
        status text NOT NULL CHECK (status IN ('enabled', 'disabled', 'revoked')),
        reason text,
        secret_hash text NOT NULL,
        secret_pepper text NOT NULL,
        previous_hash text,
        previous_pepper text,
        previous_until bigint,
        previous_used_at bigint,
        generation integer NOT NULL,
        terms jsonb NOT NULL,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        expires_at bigint,
        last_used_at bigint,
        version integer NOT NULL
      );
      CREATE INDEX api_keys_by_tenant ON ${schema}.api_keys (namespace, tenant, id);
      CREATE INDEX api_keys_by_owner
        ON ${schema}.api_keys (namespace, tenant, owner_type, owner_id, id);
      CREATE TABLE ${schema}.api_key_usage (
        key_id text COLLATE "C" PRIMARY KEY
          REFERENCES ${schema}.api_keys (id) ON DELETE CASCADE,
        counters jsonb NOT NULL
      );`,
  },
  auditMigration,
  sessionsMigration,
  outboxMigration,
  webhookEndpointVersionMigration,
  webhookQueueMigration,
  webhookRetentionMigration,
  webhookSharesMigration,
  accountsMigration,
  tenantsMigration,
  rolesMigration,
  tokensMigration,
  usageMigration,
  countersMigration,
  sessionEndsMigration,
  lastSessionEndsMigration,
]);
