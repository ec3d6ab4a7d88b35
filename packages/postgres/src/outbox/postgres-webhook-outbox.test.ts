import { randomUUID } from 'node:crypto';
import { webhookOutboxContract } from '@apisec/core/testing';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { PostgresClient } from '../client/postgres-client.ts';
import { migrate } from '../migrations/migrate.ts';
import { postgresWebhookOutbox } from './postgres-webhook-outbox.ts';

const url = process.env['DATABASE_URL'];
const schema = `outbox_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;

interface Database {
  readonly client: PostgresClient;
  readonly end: () => Promise<void>;
}

const databases: readonly (readonly [string, () => Promise<Database>])[] = [
  [
    'PGlite',
    async () => {
      const client = await PGlite.create();
      return { client, end: () => client.close() };
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const client = new Pool({ connectionString: url, max: 10 });
      const end = async (): Promise<void> => {
        await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
        await client.end();
      };
      return { client, end };
    },
  ],
];

if (url === undefined) test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(url === undefined ? databases.slice(0, 1) : databases)(
  'the outbox on %s',
  (_, open) => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
      await migrate(database.client, { schema });
    }, 60_000);
    afterAll(() => database?.end());

    test.each(webhookOutboxContract)('$name', ({ run }) =>
      run({ create: () => postgresWebhookOutbox(database.client, { schema }) }),
    );
  },
);
