import { randomUUID } from 'node:crypto';
import {
  passkeyStoreContract,
  refreshTokenStoreContract,
  ticketStoreContract,
  totpStoreContract,
} from '@apisec/core/testing';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  migrate,
  type PostgresClient,
  postgresPasskeyStore,
  postgresRefreshTokenStore,
  postgresTicketStore,
  postgresTotpStore,
} from '../index.ts';

const url = process.env['DATABASE_URL'];
const servers = url === undefined ? (['PGlite'] as const) : (['PGlite', 'PostgreSQL'] as const);

describe.each(servers)('stores of accounts on %s', (name) => {
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

  const clock = { time: 1_700_000_000_000 };
  const now = () => clock.time;
  const pass = (milliseconds: number) => {
    clock.time += milliseconds;
  };
  const empty = (table: string) => client.query(`DELETE FROM "${schema}".${table}`);

  describe('tickets', () => {
    test.each(ticketStoreContract)('$name', async ({ run }) => {
      const create = async () => {
        await empty('tickets');
        return postgresTicketStore(client, { schema, now });
      };
      await run({ create, pass, now });
    });
  });
  describe('refresh tokens', () => {
    test.each(refreshTokenStoreContract)('$name', async ({ run }) => {
      const create = async () => {
        await empty('refresh_token_families');
        return postgresRefreshTokenStore(client, { schema, now });
      };
      await run({ create, pass, now });
    });
  });
  describe('second factors', () => {
    test.each(totpStoreContract)('$name', ({ run }) => run(postgresTotpStore(client, { schema })));
  });
  describe('passkeys', () => {
    test.each(passkeyStoreContract)('$name', ({ run }) =>
      run(postgresPasskeyStore(client, { schema })),
    );
  });
});
