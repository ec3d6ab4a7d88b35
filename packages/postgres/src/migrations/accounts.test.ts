import {
  passkeyStoreContract,
  refreshTokenStoreContract,
  ticketStoreContract,
  totpStoreContract,
} from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { databases, movedClock, openedBefore } from '../../test/databases.ts';
import {
  postgresPasskeyStore,
  postgresRefreshTokenStore,
  postgresTicketStore,
  postgresTotpStore,
} from '../index.ts';

describe.each(databases)('stores of accounts on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  const { now, pass } = movedClock();
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
  const left = async (table: string) => {
    const { rows } = await client.query(
      `SELECT count(*)::int AS count FROM "${schema}".${table} WHERE ends_at < 10`,
    );
    return rows[0];
  };

  test('expired tickets are swept out, a thousand with one call at the most', async () => {
    await empty('tickets');
    await client.query(
      `INSERT INTO "${schema}".tickets (id, purpose, ends_at, record)
       SELECT n::text, 'login', 1, '{}' FROM generate_series(1, 1500) n`,
    );
    const store = postgresTicketStore(client, { schema, now });
    const ticket = { id: 'new', purpose: 'login', expiresAt: now() + 1_000, content: '' };
    // Only what the store reads of a ticket is here.
    await store.insert(ticket as never);
    expect(await left('tickets')).toEqual({ count: 500 });
  });

  test('expired families are swept out, a thousand with one call at the most', async () => {
    await empty('refresh_token_families');
    await client.query(
      `INSERT INTO "${schema}".refresh_token_families (id, current, subject, ends_at, record)
       SELECT n::text, n::text, 'alice', 1, '{}' FROM generate_series(1, 1500) n`,
    );
    const store = postgresRefreshTokenStore(client, { schema, now });
    const family = { id: 'new', current: 'c', subject: 'alice', expiresAt: now() + 1_000 };
    // Only what the store reads of a family is here.
    await store.insert(family as never);
    expect(await left('refresh_token_families')).toEqual({ count: 500 });
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
