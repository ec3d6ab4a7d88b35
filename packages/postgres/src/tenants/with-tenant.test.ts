import { randomUUID } from 'node:crypto';
import { tenantScope } from '@apisec/core';
import { tenantStoreContract } from '@apisec/core/testing';
import type { PGlite } from '@electric-sql/pglite';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInProcess } from '../../test/in-process.ts';
import {
  assertRowSecurity,
  migrate,
  type PostgresClient,
  postgresTenantStore,
  rowSecuritySql,
  type TenantPool,
  type WithTenantOptions,
  withTenant,
} from '../index.ts';

type Rows = readonly Record<string, unknown>[];
type Query = (text: string) => Promise<Rows>;
type Work = (query: Query, tx: object) => Promise<unknown>;

/** One library on one database, as an application would use it. */
interface Library {
  readonly db: object;
  readonly use: (tenant: string, work: Work, options?: WithTenantOptions) => Promise<unknown>;
}

interface Server {
  readonly admin: PostgresClient & { readonly exec: (text: string) => Promise<unknown> };
  readonly libraries: Readonly<Record<string, Library>>;
  /** The role that every transaction takes, where the login is above the wall. */
  readonly role: string | undefined;
  /** Hands connections back in the middle of a transaction, as many as the pool has; answers how many. */
  readonly leak: (statements: string) => Promise<number>;
  readonly end: () => Promise<unknown>;
}

const url = process.env['DATABASE_URL'];
const mark = randomUUID().replaceAll('-', '').slice(0, 12);
const schema = `tenants_${mark}`;
const appRole = `tenants_app_${mark}`;
const orders = `${schema}.orders`;

const setUp = `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${orders} (
    id text, tenant_id text NOT NULL, item text NOT NULL, PRIMARY KEY (tenant_id, id)
  );
  CREATE TABLE ${schema}.lines (order_id text, tenant_id text, sku text NOT NULL);
  ${rowSecuritySql({ table: 'orders', schema })}
  ${rowSecuritySql({ table: 'lines', schema })}
  GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${appRole};
  GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${appRole};
  INSERT INTO ${orders} VALUES ('1', 'acme', 'tea'), ('2', 'acme', 'milk'), ('1', 'globex', 'gold'),
    ('1', 'o''neil', 'whisky');
  INSERT INTO ${schema}.lines VALUES ('1', 'acme', 'a'), ('1', 'globex', 'g');
`;

/** A pool of one connection, over a database that has no other. */
function poolOf(pglite: PGlite): TenantPool & { readonly end: () => Promise<void> } {
  let last: Promise<unknown> = Promise.resolve();
  return {
    totalCount: 1,
    connect: async () => {
      const before = last;
      let release = (): void => {};
      last = new Promise<void>((resolve) => {
        release = resolve;
      });
      await before;
      // Drivers tell the command of a result; PGlite does not, so it is asked.
      const query = async (text: string, params?: unknown[]) => {
        if (text !== 'COMMIT') return pglite.query(text, params);
        const isAborted = await pglite.query('SELECT 1').then(
          () => false,
          () => true,
        );
        const result = await pglite.query(text);
        return { ...result, command: isAborted ? 'ROLLBACK' : 'COMMIT' };
      };
      return { query, release };
    },
    end: async () => {},
  };
}

function libraries(
  client: TenantPool,
  drizzle: ReturnType<typeof drizzlePglite | typeof drizzlePg>,
  kysely: Kysely<unknown>,
) {
  return {
    pool: {
      db: client,
      use: (tenant, work, options) =>
        withTenant(
          client,
          tenant,
          (tx) => work(async (text) => (await tx.query(text)).rows, tx),
          options,
        ),
    },
    Drizzle: {
      db: drizzle,
      use: (tenant, work, options) =>
        withTenant(
          drizzle as ReturnType<typeof drizzlePglite>,
          tenant,
          (tx) => work(async (text) => (await tx.execute(drizzleSql.raw(text))).rows, tx),
          options,
        ),
    },
    Kysely: {
      db: kysely,
      use: (tenant, work, options) =>
        withTenant(
          kysely,
          tenant,
          (tx) => work(async (text) => (await kyselySql.raw(text).execute(tx)).rows as Rows, tx),
          options,
        ),
    },
  } satisfies Record<string, Library>;
}

async function onPglite(): Promise<Server> {
  const pglite = await openInProcess();
  await pglite.exec(`CREATE ROLE ${appRole}; ${setUp}`);
  const pool = poolOf(pglite);
  return {
    admin: pglite,
    role: appRole,
    leak: async (statements) => {
      await pglite.exec(`BEGIN; ${statements}`);
      return 1;
    },
    libraries: {
      PGlite: {
        db: pglite,
        use: (tenant, work, options) =>
          withTenant(
            pglite,
            tenant,
            (tx) => work(async (text) => (await tx.query(text)).rows as Rows, tx),
            options,
          ),
      },
      ...libraries(
        pool,
        drizzlePglite(pglite),
        // The dialect asks for the pool of pg, and uses what this one has.
        new Kysely<unknown>({ dialect: new PostgresDialect({ pool: pool as never }) }),
      ),
    },
    end: () => pglite.close(),
  };
}

async function onServer(): Promise<Server> {
  const admin = new Pool({ connectionString: url, max: 4 });
  const exec = (text: string) => admin.query(text);
  const password = randomUUID();
  await exec(`CREATE ROLE ${appRole} LOGIN PASSWORD '${password}'; ${setUp}`);
  const login = new URL(String(url));
  login.username = appRole;
  login.password = password;
  const pool = new Pool({ connectionString: login.href, max: 4 });
  return {
    admin: Object.assign(admin, { exec }),
    role: undefined,
    leak: async (statements) => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
      for (const client of clients) {
        await client.query(`BEGIN; ${statements}`);
        client.release();
      }
      return clients.length;
    },
    libraries: libraries(
      pool,
      drizzlePg(pool),
      new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }),
    ),
    end: async () => {
      await pool.end();
      await exec(`DROP SCHEMA ${schema} CASCADE; DROP OWNED BY ${appRole}; DROP ROLE ${appRole}`);
      await admin.end();
    },
  };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: Error & { code?: string; cause?: { code?: string } }) =>
      error.code ?? error.cause?.code ?? error.message,
  );

describe.each<[string, () => Promise<Server>]>(
  url === undefined
    ? [['PGlite', onPglite]]
    : [
        ['PGlite', onPglite],
        ['PostgreSQL', onServer],
      ],
)('on %s', (name, open) => {
  let server: Server;
  beforeAll(async () => {
    server = await open();
  }, 180_000);
  afterAll(() => server?.end());
  const options = (): WithTenantOptions => (server.role === undefined ? {} : { role: server.role });

  describe('the store of tenants', () => {
    beforeAll(() => migrate(server.admin, { schema }));
    test.each(tenantStoreContract)('$name', ({ run }) =>
      run({
        create: async () => {
          await server.admin.query(`DELETE FROM ${schema}.tenants`);
          return postgresTenantStore(server.admin, { schema });
        },
      }),
    );
    test('has no tenant whose name is no text of the database', async () => {
      expect(await postgresTenantStore(server.admin, { schema }).read('a\0')).toBeUndefined();
      expect(await postgresTenantStore(server.admin, { schema }).read('\ud800')).toBeUndefined();
    });
  });

  const names =
    name === 'PGlite' ? ['PGlite', 'pool', 'Drizzle', 'Kysely'] : ['pool', 'Drizzle', 'Kysely'];
  describe.each(names)('withTenant: %s', (library) => {
    const as = (tenant: string, work: Work, more: WithTenantOptions = {}) =>
      (server.libraries[library] as Library).use(tenant, work, { ...options(), ...more });

    test.each<[string, string, unknown]>([
      [
        'sees its own rows without a condition',
        `SELECT id, item FROM ${orders} ORDER BY id`,
        [
          { id: '1', item: 'tea' },
          { id: '2', item: 'milk' },
        ],
      ],
      [
        'sees nothing of another by its id',
        `SELECT id FROM ${orders} WHERE tenant_id = 'globex'`,
        [],
      ],
      [
        'sees nothing of another by a condition that is always true',
        `SELECT DISTINCT tenant_id FROM ${orders} WHERE id = '1' OR 1 = 1`,
        [{ tenant_id: 'acme' }],
      ],
      [
        'sees nothing of another through a join',
        `SELECT DISTINCT l.sku FROM ${orders} o JOIN ${schema}.lines l ON true`,
        [{ sku: 'a' }],
      ],
      [
        'sees nothing of another in an aggregate',
        `SELECT count(*)::int AS n FROM ${orders}`,
        [{ n: 2 }],
      ],
      [
        'changes nothing of another',
        `UPDATE ${orders} SET item = item WHERE tenant_id <> 'acme' RETURNING id`,
        [],
      ],
      [
        'deletes nothing of another',
        `DELETE FROM ${orders} WHERE tenant_id = 'globex' RETURNING id`,
        [],
      ],
    ])('%s', async (_name, text, rows) => {
      await as('acme', async (query) => expect(await query(text)).toEqual(rows));
    });

    test('writes nothing for another', async () => {
      const write = (text: string) => codeOf(as('acme', (query) => query(text)));
      expect(await write(`INSERT INTO ${orders} VALUES ('9', 'globex', 'x')`)).toBe('42501');
      expect(await write(`UPDATE ${orders} SET tenant_id = 'globex' WHERE id = '2'`)).toBe('42501');
      expect(
        await write(`INSERT INTO ${orders} VALUES ('9', 'acme', 'x') ON CONFLICT DO NOTHING`),
      ).toBe('done');
      expect(await write(`DELETE FROM ${orders} WHERE id = '9'`)).toBe('done');
    });

    test('takes any id as a text, whatever is in it', async () => {
      await as("o'neil", async (query) =>
        expect(await query(`SELECT item FROM ${orders}`)).toEqual([{ item: 'whisky' }]),
      );
      await as("x'||'acme", async (query) =>
        expect(await query(`SELECT item FROM ${orders}`)).toEqual([]),
      );
    });

    test('shows each of 20 concurrent calls its own rows', async () => {
      const tenants = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 'acme' : 'globex'));
      const seen = await Promise.all(
        tenants.map((tenant) =>
          as(tenant, async (query) => {
            await query('SELECT 1');
            return (await query(`SELECT DISTINCT tenant_id FROM ${orders}`)).map(
              (row) => row['tenant_id'],
            );
          }),
        ),
      );
      expect(seen).toEqual(tenants.map((tenant) => [tenant]));
    });

    test('leaves no tenant and no role behind on the connection', async () => {
      await as('acme', (query) => query('SELECT 1'));
      await codeOf(as('acme', () => Promise.reject(new Error('of the work'))));
      const text = `SELECT current_setting('apisec.tenant', true) AS tenant, current_user::text AS name`;
      if (name === 'PGlite') {
        const { rows } = await server.admin.query(text);
        expect(rows).toEqual([{ tenant: '', name: 'postgres' }]);
      } else {
        const db = server.libraries['pool']?.db as Pool;
        const { rows } = await db.query<{ tenant: string | null }>(
          `SELECT id, current_setting('apisec.tenant', true) FROM ${orders}`,
        );
        expect(rows).toEqual([]);
      }
    });

    test('keeps what the work wrote where it resolves, and nothing where it rejects', async () => {
      const fault = new Error('of the work');
      const add = `INSERT INTO ${orders} VALUES ('8', 'acme', 'x')`;
      const failing = as('acme', async (query) => {
        await query(add);
        throw fault;
      });
      await expect(failing).rejects.toBe(fault);
      const count = () => as('acme', (query) => query(`SELECT id FROM ${orders} WHERE id = '8'`));
      expect(await count()).toEqual([]);
      await as('acme', (query) => query(add));
      expect(await count()).toEqual([{ id: '8' }]);
      await as('acme', (query) => query(`DELETE FROM ${orders} WHERE id = '8'`));
    });

    test('does not say that it is done where a failed statement was caught', async () => {
      const work = as('acme', async (query) => {
        await query(`INSERT INTO ${orders} VALUES ('7', 'acme', 'x')`);
        await query(`INSERT INTO ${orders} VALUES ('7', 'globex', 'x')`).catch(() => undefined);
      });
      expect(await codeOf(work)).not.toBe('done');
      expect(await as('acme', (query) => query(`SELECT id FROM ${orders} WHERE id = '7'`))).toEqual(
        [],
      );
    });

    test('work that hangs is undone in time', async () => {
      const work = as(
        'acme',
        async (query) => {
          await query(`INSERT INTO ${orders} VALUES ('6', 'acme', 'x')`);
          await new Promise(() => {});
        },
        { timeout: '50ms' },
      );
      expect(await codeOf(work)).toMatch(/longer than 50 ms/);
      expect(await as('acme', (query) => query(`SELECT id FROM ${orders} WHERE id = '6'`))).toEqual(
        [],
      );
    });

    const asTenant = "SELECT set_config('apisec.tenant', 'acme', true)";
    test.each([
      ['has written', `INSERT INTO ${orders} SELECT gen_random_uuid(), 'acme', 'left'`],
      ['was of a tenant', "SELECT set_config('apisec.tenant_of_transaction', 'acme x', true)"],
      ...(library === 'pool' && name === 'PostgreSQL' ? [['has done nothing', 'SELECT 1']] : []),
    ])('keeps nothing of a transaction that was left open and %s', async (_what, statement) => {
      const leaked = await server.leak(`${asTenant}; ${statement}`);
      const look = `SELECT id FROM ${orders} WHERE item = 'left'`;
      // At once, so that each takes another connection.
      const onEach = (work: () => Promise<unknown>) =>
        Promise.all(Array.from({ length: leaked }, work));
      const first = await onEach(() => codeOf(as('acme', (query) => query(look))));
      for (const answer of first) expect(answer).toMatch(/transaction/);
      const second = await onEach(() => as('acme', (query) => query(look)));
      for (const rows of second) expect(rows).toEqual([]);
    });

    test.each([
      ['the tenant itself', "SET apisec.tenant = 'acme'"],
      ['a schema to look in', `SET search_path = '${schema}'`],
      ['a role', `SET ROLE ${appRole}`],
    ])('leaves nothing behind of what the work has set for its session: %s', async (_what, set) => {
      const state = `SELECT COALESCE(current_setting('apisec.tenant', true), '') AS tenant,
        current_setting('search_path') AS path, current_setting('role') AS role`;
      const outside = async () =>
        name === 'PGlite'
          ? (await server.admin.query(state)).rows
          : (await ((server.libraries['pool'] as Library).db as Pool).query(state)).rows;
      const before = await outside();
      expect(before).toMatchObject([{ tenant: '', role: 'none' }]);
      const seen = await as('acme', async (query) => {
        await query(set);
        return query(`SELECT DISTINCT tenant_id FROM ${orders}`);
      });
      expect(seen).toEqual([{ tenant_id: 'acme' }]);
      expect(await outside()).toEqual(before);
    });

    test('still has its tenant where a trigger waits for the end of the transaction', async () => {
      await server.admin.exec(`CREATE TABLE IF NOT EXISTS ${schema}.seen (tenant text);
        GRANT ALL ON ${schema}.seen TO ${appRole};
        CREATE OR REPLACE FUNCTION ${schema}.note() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO ${schema}.seen VALUES (current_setting('apisec.tenant', true)); RETURN NULL; END $$;
        DROP TRIGGER IF EXISTS late ON ${schema}.lines;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON ${schema}.lines
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${schema}.note();`);
      await as('acme', (query) => query(`INSERT INTO ${schema}.lines VALUES ('1', 'acme', 'a')`));
      const { rows } = await server.admin.query(`SELECT tenant FROM ${schema}.seen`);
      expect(rows).toEqual([{ tenant: 'acme' }]);
      await server.admin.exec(`DROP TRIGGER late ON ${schema}.lines; DROP TABLE ${schema}.seen`);
    });

    test.each([
      ['ends its transaction itself', 'COMMIT'],
      ['takes another tenant', "SELECT set_config('apisec.tenant', 'globex', true)"],
      ['takes another tenant for the session', "SET apisec.tenant = 'globex'"],
    ])('does not say that it is done where the work %s', async (_what, statement) => {
      const work = as('acme', async (query) => {
        await query(`INSERT INTO ${orders} VALUES ('5', 'acme', 'x')`);
        await query(statement);
      });
      expect(await codeOf(work)).toMatch(/transaction of its tenant/);
      // What the work has committed itself stays.
      const kept = await as('acme', (query) =>
        query(`DELETE FROM ${orders} WHERE id = '5' RETURNING id`),
      );
      expect(kept).toEqual(statement === 'COMMIT' ? [{ id: '5' }] : []);
      const own = await as('acme', (query) => query(`SELECT DISTINCT tenant_id FROM ${orders}`));
      expect(own).toEqual([{ tenant_id: 'acme' }]);
    });

    test.each<unknown>([
      '',
      ' ',
      'a b',
      'a\0',
      'a\n',
      '\ud800',
      'x'.repeat(129),
      undefined,
      null,
      7,
      {},
      ['acme'],
      { tenant: ['acme'] },
      { toString: () => 'acme' },
    ])('rejects what is not the id of a tenant: %#', async (tenant) => {
      expect(await codeOf(as(tenant as string, (query) => query('SELECT 1')))).toMatch(
        /must be the id/,
      );
    });

    test('takes the scope of a call', async () => {
      const scope = tenantScope({ tenant: 'acme' });
      expect(
        await as(scope as never, (query) => query(`SELECT count(*)::int AS n FROM ${orders}`)),
      ).toEqual([{ n: 2 }]);
    });

    test('the wall is found to stand', async () => {
      const { db } = server.libraries[library] as Library;
      const tables = [
        { table: 'orders', schema },
        { table: 'lines', schema },
      ];
      await assertRowSecurity(db, {
        tables,
        ...options(),
        ...(server.role !== undefined && { insecurePrivilegedLogin: true }),
      });
    });
  });

  test('a query behind the end of a transaction is not run', async () => {
    let late: Query | undefined;
    await server.libraries['pool']?.use(
      'acme',
      async (query) => {
        late = query;
      },
      options(),
    );
    await expect(late?.(`SELECT * FROM ${orders}`)).rejects.toThrow(/over/);
  });

  test('a transaction of one tenant is not one of another as well', async () => {
    const nested = server.libraries['Drizzle']?.use(
      'acme',
      (_query, tx) =>
        withTenant(tx as ReturnType<typeof drizzlePglite>, 'globex', async () => 1, options()),
      options(),
    );
    await expect(nested).rejects.toThrow(/in a transaction of another tenant/);
    const same = server.libraries['Drizzle']?.use(
      'acme',
      (_query, tx) =>
        withTenant(tx as ReturnType<typeof drizzlePglite>, 'acme', async () => 1, options()),
      options(),
    );
    expect(await same).toBe(1);
  });

  test('two transactions on one connection are not done, and see nothing of each other', async () => {
    // PGlite has no second client.
    if (name === 'PGlite') return;
    const client = await ((server.libraries['pool'] as Library).db as Pool).connect();
    const single = drizzlePg(client);
    const foreign: unknown[] = [];
    const work = (tenant: string) =>
      withTenant(single, tenant, async (tx) => {
        for (let round = 0; round < 5; round++) {
          const { rows } = await tx.execute(drizzleSql.raw(`SELECT tenant_id FROM ${orders}`));
          foreign.push(...rows.filter((row) => row['tenant_id'] !== tenant));
        }
      });
    const answers = await Promise.all(
      ['acme', 'globex', 'acme'].map((tenant) => codeOf(work(tenant))),
    );
    client.release(true);
    expect(foreign).toEqual([]);
    expect(answers).not.toContain('done');
  });

  describe('a savepoint of Drizzle', () => {
    type Drizzle = ReturnType<typeof drizzlePglite>;
    const tenantsOf = async (tx: Drizzle): Promise<unknown> =>
      (await tx.execute(drizzleSql.raw(`SELECT DISTINCT tenant_id FROM ${orders}`))).rows.map(
        (row) => row['tenant_id'],
      );
    const timeoutOf = async (tx: Drizzle): Promise<unknown> =>
      (await tx.execute(drizzleSql.raw('SHOW statement_timeout'))).rows;
    const drizzle = () => server.libraries['Drizzle']?.db as Drizzle;

    test('is not of another tenant, however deep', async () => {
      const work = withTenant(
        drizzle(),
        'acme',
        async (tx) => {
          const inner = tx.transaction((within) =>
            withTenant(within as never, 'globex', tenantsOf as never, options()),
          );
          expect(await codeOf(inner)).toMatch(/in a transaction of another tenant/);
          return tenantsOf(tx as never);
        },
        options(),
      );
      expect(await work).toEqual(['acme']);
    });

    test('leaves the transaction around it as it was', async () => {
      const seen = await drizzle().transaction(async (tx) => {
        const outer = tx as never as Drizzle;
        // Those that log in above the wall see everything without a role.
        if (server.role !== undefined) await tx.execute(`SET LOCAL ROLE ${server.role}`);
        const before = await timeoutOf(outer);
        const found: unknown[] = [];
        for (const tenant of ['acme', 'globex']) {
          const more = { ...options(), timeout: '3s' } as const;
          found.push(await withTenant(outer, tenant, tenantsOf as never, more));
          found.push(await tenantsOf(outer));
          await withTenant(
            outer,
            tenant,
            () => Promise.reject(new Error('of the work')),
            more,
          ).catch(() => undefined);
          found.push(await tenantsOf(outer));
        }
        expect(await timeoutOf(outer)).toEqual(before);
        return found;
      });
      expect(seen).toEqual([['acme'], [], [], ['globex'], [], []]);
    });
  });

  describe('assertRowSecurity finds', () => {
    const check = (table: string, more: object = {}) =>
      assertRowSecurity((server.libraries['pool'] as Library).db, {
        tables: [{ table, schema }],
        ...options(),
        ...(server.role !== undefined && { insecurePrivilegedLogin: true }),
        ...more,
      }).then(
        () => 'nothing',
        (error: Error) => error.message,
      );
    const column = "tenant_id = NULLIF(current_setting('apisec.tenant', true), '')";

    test.each<[string, string, RegExp]>([
      ['a table without it', '', /has no row-level security/],
      ['one that its owner is above', 'ALTER TABLE $T ENABLE ROW LEVEL SECURITY', /does not force/],
      [
        'a policy for everything',
        'CREATE POLICY p ON $T USING (true)',
        /for SELECT does not read.*sees rows.*may write rows.*without a tenant/s,
      ],
      [
        'a policy that lets rows be written',
        `CREATE POLICY p ON $T USING (${column}) WITH CHECK (true)`,
        /for INSERT does not read.*may write rows/,
      ],
      [
        'a second policy that opens the first',
        `CREATE POLICY p ON $T USING (${column}); CREATE POLICY q ON $T FOR SELECT USING (true)`,
        /for SELECT does not read.*sees rows/,
      ],
      [
        'rows that are seen without a tenant',
        `CREATE POLICY p ON $T USING (tenant_id = current_setting('apisec.tenant', true) OR current_setting('apisec.tenant', true) = '')`,
        /without a tenant/,
      ],
    ])('%s', async (what, policies, message) => {
      const table = `faulty_${what.length}_${policies.length}`;
      const forced =
        what === 'a table without it' || what.startsWith('one that')
          ? ''
          : 'ALTER TABLE $T ENABLE ROW LEVEL SECURITY; ALTER TABLE $T FORCE ROW LEVEL SECURITY;';
      const text = `CREATE TABLE $T (tenant_id text NOT NULL, item text NOT NULL); INSERT INTO $T VALUES ('acme', 'x'); GRANT ALL ON $T TO ${appRole}; ${forced} ${policies}`;
      await server.admin.exec(text.replaceAll('$T', `${schema}.${table}`));
      expect(await check(table)).toMatch(message);
      await server.admin.exec(rowSecuritySql({ table, schema }));
      if (!what.startsWith('rows')) expect(await check(table)).toBe('nothing');
    });

    test('a partition beside the wall', async () => {
      await server.admin.exec(`CREATE TABLE ${schema}.parted (tenant_id text NOT NULL) PARTITION BY LIST (tenant_id);
        CREATE TABLE ${schema}.part PARTITION OF ${schema}.parted DEFAULT;
        GRANT ALL ON ${schema}.parted, ${schema}.part TO ${appRole}; ${rowSecuritySql({ table: 'parted', schema })}`);
      expect(await check('parted')).toMatch(/partition .*part.* can be used/);
      await server.admin.exec(rowSecuritySql({ table: 'part', schema }));
      expect(await check('parted')).toBe('nothing');
    });

    test('a column of type uuid to be as good', async () => {
      await server.admin.exec(`CREATE TABLE ${schema}.by_uuid (tenant_id uuid NOT NULL, n int NOT NULL);
        GRANT ALL ON ${schema}.by_uuid TO ${appRole}; ${rowSecuritySql({ table: 'by_uuid', schema, type: 'uuid' })}`);
      expect(await check('by_uuid')).toBe('nothing');
    });

    test('a column that takes two tenants for one', async () => {
      await server.admin.exec(`CREATE TABLE ${schema}.blank (tenant_id char(40) NOT NULL);
        GRANT ALL ON ${schema}.blank TO ${appRole}; ${rowSecuritySql({ table: 'blank', schema })}`);
      expect(await check('blank')).toMatch(/must be text, varchar or uuid/);
      if (name === 'PGlite') return;
      await server.admin.exec(`CREATE COLLATION ${schema}.alike (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE ${schema}.alike (tenant_id text COLLATE ${schema}.alike NOT NULL);
        GRANT ALL ON ${schema}.alike TO ${appRole}; ${rowSecuritySql({ table: 'alike', schema })}`);
      expect(await check('alike')).toMatch(/deterministic collation/);
    });

    test('a table that is not there, and a role above the wall', async () => {
      expect(await check('nowhere')).toMatch(/there is no table/);
      const above = assertRowSecurity(
        name === 'PGlite' ? (server.libraries['PGlite']?.db as object) : server.admin,
        {
          tables: [{ table: 'orders', schema }],
        },
      );
      await expect(above).rejects.toThrow(/superuser or has BYPASSRLS.*sees rows/);
    });

    test('a role that can become one above the wall', async () => {
      const above = `above_${appRole}`;
      await server.admin.exec(`CREATE ROLE ${above} BYPASSRLS; GRANT ${above} TO ${appRole}`);
      expect(await check('orders')).toMatch(
        /which it is or can take, is a superuser or has BYPASS/,
      );
      await server.admin.exec(`DROP ROLE ${above}`);
      expect(await check('orders')).toBe('nothing');
    });

    test('nothing if it cannot query: it rejects', async () => {
      const down: TenantPool = { totalCount: 0, connect: () => Promise.reject(new Error('down')) };
      await expect(assertRowSecurity(down, { tables: [{ table: 'orders' }] })).rejects.toThrow(
        'down',
      );
    });
  });
});

test.each<[() => unknown, RegExp]>([
  [() => rowSecuritySql({ table: '' }), /table must be a name/],
  [() => rowSecuritySql({ table: 'a', column: 'b\0' }), /column must be a name/],
  [() => rowSecuritySql({ table: 'a', setting: 'tenant' }), /two words with a dot/],
  [() => rowSecuritySql({ table: 'a', setting: "a.b'" }), /two words with a dot/],
  [() => rowSecuritySql({ table: 'a', type: 'int' as never }), /'text' or 'uuid'/],
  [() => rowSecuritySql({ table: 'a', tenant: 'b' } as never), /not an option/],
])('rowSecuritySql cannot be constructed: %#', (make, message) => {
  expect(make).toThrow(message);
});

test('names are quoted', () => {
  expect(rowSecuritySql({ table: 'a"b', schema: 'Shop' })).toContain(
    'ALTER TABLE "Shop"."a""b" FORCE',
  );
});

test.each<[object, object, RegExp]>([
  [{}, {}, /Pool of pg, PGlite/],
  [{ query: () => 1, connect: () => 1 }, {}, /Pool of pg, PGlite/],
  [{ totalCount: 0, connect: () => 1 }, { timeout: 5 }, /unit/],
  [{ totalCount: 0, connect: () => 1 }, { timeout: '1h' }, /timeout/],
  [{ totalCount: 0, connect: () => 1 }, { role: "a'b" }, /role/],
  [{ totalCount: 0, connect: () => 1 }, { setting: 'x' }, /setting/],
  [{ totalCount: 0, connect: () => 1 }, { tenant: 'x' }, /not an option/],
])('withTenant rejects what it cannot do: %#', async (db, options, message) => {
  await expect(withTenant(db as TenantPool, 'acme', async () => 1, options)).rejects.toThrow(
    message,
  );
});
