import { sessionStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { databases, movedClock, openedBefore } from '../../test/databases.ts';
import { postgresSessionStore } from '../index.ts';

describe.each(databases)('sessions on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  test.each(sessionStoreContract)('$name', async ({ run }) => {
    const { now, pass } = movedClock();
    const create = async () => {
      await client.query(`DELETE FROM "${schema}".sessions`);
      return postgresSessionStore(client, { schema, now });
    };
    await run({ create, pass, now });
  });

  test('ended sessions are swept out, a thousand with one call at the most', async () => {
    await client.query(`DELETE FROM "${schema}".sessions`);
    await client.query(
      `INSERT INTO "${schema}".sessions
         (id, version, issuer, subject, created_at, ends_at, record)
       SELECT n::text, 1, 'i', 's', 0, 1, '{}' FROM generate_series(1, 1500) n`,
    );
    const store = postgresSessionStore(client, { schema, now: () => 10 });
    const session = { id: 'new', version: 1, issuer: 'i', subject: 's', createdAt: 10 };
    // Only what the store reads of a session is here.
    await store.create({ ...session, idleUntil: 20, expiresAt: 20 } as never);
    const { rows } = await client.query(
      `SELECT count(*)::int AS count FROM "${schema}".sessions WHERE ends_at = 1`,
    );
    expect(rows[0]).toEqual({ count: 500 });
  });
});
