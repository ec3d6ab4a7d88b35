import { webhookOutboxContract } from '@apisec/core/testing';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databases, databaseUrl, newSchema, type TestDatabase } from '../../test/databases.ts';
import { postgresWebhookOutbox } from './postgres-webhook-outbox.ts';

const schema = newSchema();

if (databaseUrl === undefined)
  test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(databases)('the outbox on %s', (_, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open(schema);
  });
  afterAll(() => database?.end());

  // One for all cases, which share a table.
  let time = 1_800_000_000_000;
  const now = () => time;
  const pass = (milliseconds: number) => {
    time += milliseconds;
  };

  test.each(webhookOutboxContract)('$name', ({ run }) =>
    run({ create: () => postgresWebhookOutbox(database.client, { schema, now }), pass, now }),
  );

  test('a delivery is added with the change that caused it, or not at all', async () => {
    const { client } = database;
    const held = client instanceof Pool ? await client.connect() : undefined;
    const connection = held ?? client;
    const outbox = postgresWebhookOutbox(connection, { schema });
    const endpoint = { id: 'orders', tenant: 't', url: 'https://hooks.example.com/', secrets: [] };
    await outbox.insertEndpoint({ ...endpoint, status: 'active', version: '1' });
    const delivery = { id: 'orders:1', messageId: '1', endpointId: 'orders', body: '{}' };
    for (const [end, added] of [
      ['ROLLBACK', 0],
      ['COMMIT', 1],
    ] as const) {
      await connection.query('BEGIN');
      await outbox.add([{ ...delivery, createdAtMs: now() }]);
      await connection.query(end);
      expect(await outbox.list({ endpointId: 'orders', limit: 10 })).toHaveLength(added);
    }
    held?.release();
  });

  test('leases go by the clock of the database, whatever that of a worker shows', async () => {
    const outbox = postgresWebhookOutbox(database.client, { schema });
    const endpoint = { id: 'real', tenant: 't', url: 'https://hooks.example.com/', secrets: [] };
    await outbox.insertEndpoint({ ...endpoint, status: 'active', version: '1' });
    const delivery = { id: 'real:1', messageId: '1', endpointId: 'real', body: '{}' };
    await outbox.add([{ ...delivery, createdAtMs: Date.now() + 86_400_000 }]);
    const claim = async (aheadMs: number) => {
      const nowMs = Date.now() + aheadMs;
      const claimed = await outbox.claim({ limit: 100, nowMs, leaseMs: 60_000 });
      return claimed.map(({ id }) => id).filter((id) => id === delivery.id);
    };
    expect(await claim(-86_400_000)).toEqual([delivery.id]);
    expect(await claim(86_400_000)).toEqual([]);
    const [record] = await outbox.list({ endpointId: 'real', limit: 1 });
    expect(record?.createdAtMs).toBeLessThan(Date.now() + 3_600_000);
  });
});
