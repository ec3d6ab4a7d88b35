import type { RefreshTokenFamily, SessionRecord, TicketRecord } from '@apisec/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  postgresRefreshTokenStore,
  postgresSessionStore,
  postgresTicketStore,
} from '../src/index.ts';
import { newSchema, oneDatabase, type TestDatabase } from './databases.ts';

// Processes whose clocks differ, on one database. What they keep ends by the clock of the database.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What a test does with a store, whichever it is. */
interface Process {
  /** Adds a record that lasts so many milliseconds, as this process sees it. */
  readonly add: (id: string, lasts: number) => Promise<boolean>;
  readonly has: (id: string) => Promise<boolean>;
}

type Made = (client: TestDatabase['client'], schema: string) => Process;

const stores: readonly (readonly [string, Made])[] = [
  [
    'tickets',
    (client, schema) => {
      const store = postgresTicketStore(client, { schema });
      return {
        add: async (id, lasts) => {
          const createdAt = Date.now();
          const ticket: TicketRecord = {
            id,
            purpose: 'login',
            data: {},
            createdAt,
            expiresAt: createdAt + lasts,
          };
          return store.insert(ticket);
        },
        has: async (id) => (await store.read(id)) !== undefined,
      };
    },
  ],
  [
    'families of refresh tokens',
    (client, schema) => {
      const store = postgresRefreshTokenStore(client, { schema });
      return {
        add: async (id, lasts) => {
          const family = { id, current: 'a', subject: 'alice', expiresAt: Date.now() + lasts };
          // Only what the store reads of a family is here.
          return store.insert(family as unknown as RefreshTokenFamily);
        },
        has: async (id) => (await store.get(id)) !== undefined,
      };
    },
  ],
  [
    'sessions',
    (client, schema) => {
      const store = postgresSessionStore(client, { schema });
      return {
        add: async (id, lasts) => {
          const createdAt = Date.now();
          const session = {
            id,
            version: 1,
            issuer: 'https://id.example.com',
            subject: 'alice',
            createdAt,
            idleUntil: createdAt + lasts,
            expiresAt: createdAt + lasts,
          };
          // Only what the store reads of a session is here.
          return store.create(session as unknown as SessionRecord);
        },
        has: async (id) => (await store.read(id)) !== undefined,
      };
    },
  ],
];

describe.each(oneDatabase)('on %s', (_database, open) => {
  const schema = newSchema();
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open(schema);
  });
  afterAll(() => database?.end());

  const real = Date.now;
  /** Does something as a process does whose clock is off. The database keeps its own, also within this process. */
  const asOf = async <Answer>(
    off: number,
    act: (client: TestDatabase['client']) => Promise<Answer>,
  ) => {
    let ahead = off;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + ahead);
    onTestFinished(() => {
      clock.mockRestore();
    });
    const client: TestDatabase['client'] = {
      query: async (text, params) => {
        ahead = 0;
        try {
          return await database.client.query(text, params);
        } finally {
          ahead = off;
        }
      },
    };
    try {
      return await act(client);
    } finally {
      clock.mockRestore();
    }
  };

  test.each([
    ['behind', -HOUR],
    ['ahead', HOUR],
  ])(
    'a family of refresh tokens ends as it was begun, also where a process an hour %s replaces its token',
    async (id, off) => {
      const store = (client: TestDatabase['client']) =>
        postgresRefreshTokenStore(client, { schema });
      const table = `"${schema}".refresh_token_families`;
      await database.client.query(`DELETE FROM ${table}`);
      const endsAt = async () =>
        (await database.client.query(`SELECT ends_at::float8 AS at FROM ${table}`)).rows[0];
      const expiresAt = Date.now() + 5 * 60_000;
      // Only what the store reads of a family is here.
      const family = { id, current: 'a', subject: 'alice', expiresAt } as RefreshTokenFamily;
      await store(database.client).insert(family);
      const begun = await endsAt();
      const replaced = asOf(off, async (client) =>
        store(client).replace('a', { ...family, current: 'b' }),
      );
      expect(await replaced).toBe(true);
      expect(await endsAt()).toEqual(begun);
    },
  );

  test.each([
    ['behind', -HOUR],
    ['ahead', HOUR],
  ])(
    'a session ends at the latest when its creator said, also where a process an hour %s uses it',
    async (id, off) => {
      const store = (client: TestDatabase['client']) => postgresSessionStore(client, { schema });
      const ends = async () => {
        const { rows } = await database.client.query(
          `SELECT ends_at::float8 AS at, last_end::float8 AS last FROM "${schema}".sessions WHERE version = 2`,
        );
        return rows[0] as { readonly at: number; readonly last: number };
      };
      await database.client.query(`DELETE FROM "${schema}".sessions`);
      const createdAt = Date.now();
      const session = {
        id,
        version: 1,
        issuer: 'https://id.example.com',
        subject: 'alice',
        createdAt,
        idleUntil: createdAt + 60_000,
        expiresAt: createdAt + 5 * 60_000,
      };
      // Only what the store reads of a session is here.
      await store(database.client).create(session as unknown as SessionRecord);
      const used = { ...session, version: 2, idleUntil: session.expiresAt + off + HOUR };
      const next = { ...used, expiresAt: session.expiresAt + off + HOUR };
      const replaced = await asOf(off, async (client) =>
        store(client).replace(1, next as unknown as SessionRecord),
      );
      expect(replaced).toBe(true);
      const { at, last } = await ends();
      expect(at).toBe(last);
    },
  );

  describe.each(stores)('%s', (name, make) => {
    const at = <Answer>(off: number, act: (process: Process) => Promise<Answer>) =>
      asOf(off, (client) => act(make(client, schema)));

    test.each([
      ['an hour behind', -HOUR],
      ['half a minute behind', -30_000],
      ['half a minute ahead', 30_000],
      ['an hour ahead', HOUR],
    ])('of a process that is %s last as long as it says', async (off, ms) => {
      const id = `${name} ${off}`;
      expect(await at(ms, (process) => process.add(id, 5 * 60_000))).toBe(true);
      expect(await at(ms, (process) => process.has(id))).toBe(true);
      expect(await at(0, (process) => process.has(id))).toBe(true);
      const ended = `${id}, ended`;
      await at(ms, (process) => process.add(ended, 1));
      await expect.poll(() => at(0, (process) => process.has(ended))).toBe(false);
    });

    test('of others are not swept out by a process that is a day ahead', async () => {
      await at(0, (process) => process.add(`${name} of others`, 5 * 60_000));
      // Its first one sweeps.
      await at(DAY, (process) => process.add(`${name} of tomorrow`, 5 * 60_000));
      expect(await at(0, (process) => process.has(`${name} of others`))).toBe(true);
    });

    test('that have ended are not there again for a process that is set back', async () => {
      await at(0, (process) => process.add(`${name} of yesterday`, 1));
      await expect.poll(() => at(0, (process) => process.has(`${name} of yesterday`))).toBe(false);
      expect(await at(-DAY, (process) => process.has(`${name} of yesterday`))).toBe(false);
    });
  });
});
