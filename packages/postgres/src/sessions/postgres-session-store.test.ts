import { randomUUID } from 'node:crypto';
import { sessionStoreContract } from '@apisec/core/testing';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { migrate, type PostgresClient, postgresSessionStore } from '../index.ts';

const url = process.env['DATABASE_URL'];
const servers = url === undefined ? (['PGlite'] as const) : (['PGlite', 'PostgreSQL'] as const);

describe.each(servers)('sessions on %s', (name) => {
  const schema = `apisec_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  let client: PostgresClient;
  let end: () => Promise<unknown>;
  beforeAll(async () => {
    if (name === 'PGlite') {
      const pglite = await PGlite.create();
      client = pglite;
      end = () => pglite.close();
    } else {
      const pool = new Pool({ connectionString: url, max: 10 });
      client = pool;
      end = async () => {
        await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
        await pool.end();
      };
    }
    await migrate(client, { schema });
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
