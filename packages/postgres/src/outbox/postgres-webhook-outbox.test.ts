import { webhookOutboxContract } from '@apisec/core/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { databases, databaseUrl, newSchema, type TestDatabase } from '../../test/databases.ts';
import { postgresWebhookOutbox } from './postgres-webhook-outbox.ts';

const schema = newSchema();

if (databaseUrl === undefined)
  test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(databases)('the outbox on %s', (_, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open(schema);
  }, 60_000);
  afterAll(() => database?.end());

  test.each(webhookOutboxContract)('$name', ({ run }) =>
    run({ create: () => postgresWebhookOutbox(database.client, { schema }) }),
  );
});
