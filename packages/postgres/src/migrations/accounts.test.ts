import {
  passkeyStoreContract,
  refreshTokenStoreContract,
  ticketStoreContract,
  totpStoreContract,
} from '@apisec/core/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { databases, newSchema } from '../../test/databases.ts';
import {
  type PostgresClient,
  postgresPasskeyStore,
  postgresRefreshTokenStore,
  postgresTicketStore,
  postgresTotpStore,
} from '../index.ts';

describe.each(databases)('stores of accounts on %s', (_name, open) => {
  const schema = newSchema();
  let client: PostgresClient;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ client, end } = await open(schema));
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
