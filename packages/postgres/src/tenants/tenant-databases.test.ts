import { randomUUID } from 'node:crypto';
import { type TenantPools, tenantPools } from '@apisec/core';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInProcess } from '../../test/in-process.ts';

type Rows = readonly Record<string, unknown>[];

/** One database as an application has it open: asked through a driver, Drizzle and Kysely. */
interface Database {
  readonly ask: Readonly<Record<string, (text: string) => Promise<Rows>>>;
  readonly end: () => Promise<unknown>;
  isOpen: boolean;
}

/** Databases of a server, by name. */
interface Server {
  readonly open: (name: string) => Promise<Database>;
  readonly end: () => Promise<unknown>;
}

const TENANTS = ['acme', 'globex'] as const;
/** What each database says of itself, and one row that nobody else may see. */
const setUp = (tenant: string): string => `
  CREATE TABLE this_tenant (id text NOT NULL);
  INSERT INTO this_tenant VALUES ('${tenant}');
  CREATE TABLE orders (item text NOT NULL);
  INSERT INTO orders VALUES ('of ${tenant}');
`;

async function onPglite(): Promise<Server> {
  const files = new Map([
    ['acme', await openInProcess()],
    ['globex', await openInProcess()],
  ]);
  for (const [tenant, pglite] of files) await pglite.exec(setUp(tenant));
  return {
    open: async (name) => {
      const pglite = files.get(name);
      if (pglite === undefined) throw new Error('There is no such database.');
      const drizzle = drizzlePglite(pglite);
      const connect = async () => ({ query: pglite.query.bind(pglite), release: () => undefined });
      // The dialect asks for the pool of pg, and uses what this one has.
      const pool = { connect, end: async () => undefined } as never;
      const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      const database: Database = {
        isOpen: true,
        ask: {
          PGlite: async (text) => (await pglite.query(text)).rows as Rows,
          Drizzle: async (text) => (await drizzle.execute(drizzleSql.raw(text))).rows,
          Kysely: async (text) => (await kyselySql.raw(text).execute(kysely)).rows as Rows,
        },
        end: () => kysely.destroy(),
      };
      return database;
    },
    end: () => Promise.all([...files.values()].map((each) => each.close())),
  };
}

async function onServer(url: string): Promise<Server> {
  const admin = new Pool({ connectionString: url, max: 1 });
  const mark = randomUUID().replaceAll('-', '').slice(0, 12);
  const urlOf = (name: string): string => {
    const at = new URL(url);
    at.pathname = `/${name}_${mark}`;
    return at.href;
  };
  for (const tenant of TENANTS) {
    await admin.query(`CREATE DATABASE ${tenant}_${mark}`);
    const pool = new Pool({ connectionString: urlOf(tenant), max: 1 });
    await pool.query(setUp(tenant));
    await pool.end();
  }
  return {
    open: async (name) => {
      const pool = new Pool({ connectionString: urlOf(name), max: 2 });
      const drizzle = drizzlePg(pool);
      const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      return {
        isOpen: true,
        ask: {
          pg: async (text) => (await pool.query(text)).rows as Rows,
          Drizzle: async (text) => (await drizzle.execute(drizzleSql.raw(text))).rows,
          Kysely: async (text) => (await kyselySql.raw(text).execute(kysely)).rows as Rows,
        },
        end: () => pool.end(),
      };
    },
    end: async () => {
      for (const tenant of TENANTS) await admin.query(`DROP DATABASE ${tenant}_${mark}`);
      await admin.end();
    },
  };
}

const url = process.env['DATABASE_URL'];

describe.each<[string, () => Promise<Server>]>(
  url === undefined
    ? [['PGlite', onPglite]]
    : [
        ['PGlite', onPglite],
        ['PostgreSQL', () => onServer(url)],
      ],
)('a database for each tenant on %s', (driver, start) => {
  let server: Server;
  let time = 1_000_000;
  const opened: Database[] = [];
  /** Where the database of a tenant is; an operator can be wrong about that. */
  const names = new Map<string, string>(TENANTS.map((each) => [each, each]));
  let databases: TenantPools<Database>;
  beforeAll(async () => {
    server = await start();
    databases = tenantPools<Database>({
      open: async (tenant) => {
        const database = await server.open(names.get(tenant) ?? tenant);
        opened.push(database);
        return database;
      },
      belongsTo: async ({ ask }, tenant) => {
        const rows = await ask['Drizzle']?.('SELECT id FROM this_tenant');
        return rows?.length === 1 && rows[0]?.['id'] === tenant;
      },
      close: async (database) => {
        database.isOpen = false;
        await database.end();
      },
      idleAfter: '1m',
      now: () => time,
    });
  }, 180_000);
  afterAll(async () => {
    await databases?.closeAll();
    await server?.end();
  });
  const live = (): number => opened.filter(({ isOpen }) => isOpen).length;

  test.each([driver === 'PGlite' ? 'PGlite' : 'pg', 'Drizzle', 'Kysely'])(
    'shows each its own rows through %s, however many ask at once',
    async (library) => {
      const asked = Array.from({ length: 20 }, (_, at) => TENANTS[at % 2] as string);
      const answers = await Promise.all(
        asked.map((tenant) =>
          databases.use(tenant, async ({ ask }) => ask[library]?.('SELECT item FROM orders')),
        ),
      );
      expect(answers).toEqual(asked.map((tenant) => [{ item: `of ${tenant}` }]));
      expect(live()).toBe(2);
    },
  );

  test('closes what nobody has needed for a while, and opens it again', async () => {
    time += 61_000;
    await databases.use('acme', () => undefined);
    await expect.poll(live).toBe(1);
    const rows = await databases.use('globex', ({ ask }) =>
      ask['Kysely']?.('SELECT item FROM orders'),
    );
    expect(rows).toEqual([{ item: 'of globex' }]);
    expect(live()).toBe(2);
  });

  test('opens none for a tenant behind whose name the database of another lies', async () => {
    names.set('initech', 'acme');
    let ran = false;
    const work = databases.use('initech', () => {
      ran = true;
    });
    await expect(work).rejects.toMatchObject({ code: 'tenant.pool_foreign' });
    expect(ran).toBe(false);
    await expect(databases.use('umbrella', () => undefined)).rejects.toMatchObject({
      code: 'tenant.unavailable',
    });
  });
});
