import { sessionStoreContract } from '@apisec/core/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { databases, newSchema } from '../../test/databases.ts';
import { type PostgresClient, postgresSessionStore } from '../index.ts';

describe.each(databases)('sessions on %s', (_name, open) => {
  const schema = newSchema();
  let client: PostgresClient;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ client, end } = await open(schema));
  }, 60_000);
  afterAll(() => end?.());

  test.each(sessionStoreContract)('$name', async ({ run }) => {
    const clock = { time: 1_700_000_000_000 };
    await run({
      create: async () => {
        await client.query(`DELETE FROM "${schema}".sessions`);
        return postgresSessionStore(client, { schema, now: () => clock.time });
      },
      pass: (milliseconds) => {
        clock.time += milliseconds;
      },
      now: () => clock.time,
    });
  });
});
