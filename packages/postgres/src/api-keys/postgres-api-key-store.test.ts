import { type ApiKeyStore, apiKeys, authenticateApiKey } from '@apisec/core';
import { apiKeyStoreContract } from '@apisec/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databases, databaseUrl, newSchema, type TestDatabase } from '../../test/databases.ts';
import { migrate, migrationSql, type PostgresClient, postgresApiKeyStore } from '../index.ts';
import { migrations } from '../migrations/migrations.ts';

const AT_ONCE = 40;

const schema = newSchema();

if (databaseUrl === undefined)
  test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(databases)('%s', (_name, open) => {
  let database: TestDatabase;
  let store: ApiKeyStore;

  beforeAll(async () => {
    database = await open(schema);
    store = postgresApiKeyStore(database.client, { schema });
  });
  afterAll(() => database?.end());

  const rows = async (text: string) =>
    (await database.client.query(text.replaceAll('$S', schema))).rows as Record<string, unknown>[];

  test.each(apiKeyStoreContract)('$name', ({ run }) => run(store));

  describe('migrations', () => {
    test('many nodes may migrate at once, and again', async () => {
      const other = `${schema}_at_once`;
      try {
        await Promise.all(
          Array.from({ length: 10 }, () => migrate(database.client, { schema: other })),
        );
        await migrate(database.client, { schema: other });
        const applied = await rows(`SELECT version, name FROM "${other}".migrations`);
        expect(applied).toEqual(migrations.map(({ version, name }) => ({ version, name })));
      } finally {
        await rows(`DROP SCHEMA "${other}" CASCADE`);
      }
    });

    test('a step that fails leaves nothing behind', async () => {
      const other = `${schema}_broken`;
      await rows(`CREATE SCHEMA "${other}"`);
      try {
        // In the way of the second table of the first step.
        await rows(`CREATE TABLE "${other}".api_key_usage ()`);
        await expect(migrate(database.client, { schema: other })).rejects.toThrow('already exists');
        expect(await rows(`SELECT to_regclass('"${other}".api_keys') AS it`)).toEqual([
          { it: null },
        ]);
      } finally {
        await rows(`DROP SCHEMA "${other}" CASCADE`);
      }
    });

    test('keys outlive a second migration', async () => {
      const keys = service();
      const issued = await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
      await migrate(database.client, { schema });
      expect(await keys.verify(issued.ok ? issued.key : '')).toMatchObject({ ok: true });
    });
  });

  const peppers = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
  /** One node: its own cache, the shared database. */
  const service = (now?: () => number) =>
    apiKeys({
      prefix: 'acme',
      environment: 'live',
      store,
      peppers,
      storeTimeout: '30s',
      now,
    });
  const issue = async (terms: object = {}) => {
    const issued = await service().issue({
      name: 'Billing',
      owner: { type: 'user', id: 'u1' },
      ...terms,
    });
    if (!issued.ok) throw new Error(issued.problem);
    return { key: issued.key, id: issued.info.id };
  };

  describe('nodes that share a database', () => {
    test('rotate a key at once, and exactly one wins', async () => {
      const { id, key } = await issue();
      const results = await Promise.all(
        Array.from({ length: AT_ONCE }, () => service().rotate(id, { overlapMs: 60_000 })),
      );
      const [winner, ...more] = results.filter((result) => result.ok);
      expect(more).toEqual([]);
      const node = service();
      expect(await node.verify(winner?.ok ? winner.key : '')).toMatchObject({
        key: { secret: 'current' },
      });
      expect(await node.verify(key)).toMatchObject({ key: { secret: 'previous' } });
    });

    test('use up a quota at once, and never more of it than there is', async () => {
      const quotas = {
        reports: { limit: 17, window: 86_400_000 * 365 },
        requests: { limit: 1_000, window: 86_400_000 * 365 },
      };
      const { key } = await issue({ quotas });
      const verdicts = await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          const node = service();
          const result = await node.verify(key);
          if (!result.ok) throw new Error(result.code);
          return node.consumeQuota(result.key, { reports: 1, requests: 2 });
        }),
      );
      expect(verdicts.filter(({ ok }) => ok)).toHaveLength(17);
      const [row] = await rows(
        `SELECT (counters -> 'reports' ->> 1)::int AS reports,
            (counters -> 'requests' ->> 1)::int AS requests
          FROM "$S".api_key_usage WHERE key_id = '${key.split('_')[2]}'`,
      );
      expect(row).toEqual({ reports: 17, requests: 34 });
    });

    test('count a quota by the clock of the database, whatever theirs show', async () => {
      const day = 86_400_000;
      const quotas = { reports: { limit: 10, window: 365 * day } };
      const { key, id } = await issue({ quotas });
      const take = (ahead: number) =>
        service(() => Date.now() + ahead).consumeQuota({ id, quotas }, { reports: 4 });
      expect(await service().verify(key)).toMatchObject({ ok: true });
      expect(await take(0)).toMatchObject({ ok: true });
      expect(await take(800 * day)).toMatchObject({ ok: true });
      for (const ahead of [0, 800 * day, -800 * day]) {
        expect(await take(ahead)).toMatchObject({ ok: false, name: 'reports' });
      }
    });

    test('change a key at once, and no change is lost', async () => {
      const { id } = await issue();
      const changes = await Promise.all([
        service().update(id, { scopes: ['a'] }),
        service().update(id, { roles: ['r'] }),
        service().update(id, { metadata: { plan: 'pro' } }),
        service().disable(id, { reason: 'unpaid' }),
      ]);
      expect(changes.map(({ ok }) => ok)).toEqual([true, true, true, true]);
      expect(await service().get(id)).toMatchObject({
        scopes: ['a'],
        roles: ['r'],
        metadata: { plan: 'pro' },
        status: 'disabled',
        reason: 'unpaid',
      });
    });

    test('admit a key, deny it once it is revoked, and keep its row', async () => {
      const { id, key } = await issue({ scopes: ['orders:read'] });
      const check = async () =>
        authenticateApiKey({ keys: service() }).check(
          new Request('https://api.example.com', { headers: { 'x-api-key': key } }),
          { peer: { address: undefined, id: undefined } },
        );
      expect(await check()).toMatchObject({ ok: true });
      await service().revoke(id, { reason: 'leaked' });
      expect(await check()).toMatchObject({ ok: false, denial: { code: 'api_key.revoked' } });
      expect(await rows(`SELECT status, reason FROM "$S".api_keys WHERE id = '${id}'`)).toEqual([
        { status: 'revoked', reason: 'leaked' },
      ]);
    });
  });

  test('a page of a tenant is found by its index', async () => {
    await rows(`INSERT INTO "$S".api_keys (id, namespace, tenant, owner_type, owner_id, name,
          status, secret_hash, secret_pepper, generation, terms, created_at, updated_at, version)
      SELECT 'bulk' || n, 'bulk_live', 't' || n % 100, 'user', 'u' || n, 'n', 'enabled', 'h', 'v1',
        0, '{}', 0, 0, 0 FROM generate_series(1, 10000) n ON CONFLICT DO NOTHING`);
    await rows(`ANALYZE "$S".api_keys`);
    for (const where of [
      `tenant = 't7'`,
      `tenant IS NULL`,
      `tenant = 't7' AND owner_type = 'user' AND owner_id = 'u7'`,
    ]) {
      const plan = await rows(`EXPLAIN SELECT id FROM "$S".api_keys
          WHERE namespace = 'bulk_live' AND ${where} AND id > '' ORDER BY id LIMIT 100`);
      expect(JSON.stringify(plan)).toMatch(/Index (Only )?Scan/);
      expect(JSON.stringify(plan)).not.toContain('Seq Scan');
    }
  }, 30_000);
});

describe('the schema', () => {
  test.each<[string, unknown]>([
    ['empty', ''],
    ['in capitals', 'Apisec'],
    ['with a quote', 'a"; DROP TABLE x; --'],
    ['with a dollar', 'a$apisec$'],
    ['of the system', 'pg_catalog'],
    ['beginning with a digit', '1a'],
    ['longer than a name', 'a'.repeat(64)],
    ['no text', 7],
  ])('%s is denied', (_name, name) => {
    const client: PostgresClient = { query: () => Promise.reject(new Error('asked')) };
    expect(() => postgresApiKeyStore(client, { schema: name as string })).toThrow('schema must be');
    expect(() => migrationSql({ schema: name as string })).toThrow('schema must be');
  });

  test('an honest one stands quoted in every statement', () => {
    expect(migrationSql({ schema: 'select' })).toContain('CREATE TABLE "select".api_keys');
  });
});

test('input of the caller is never part of a statement', async () => {
  const texts = new Set<string>();
  const client: PostgresClient = {
    query: async (text) => {
      texts.add(text);
      return { rows: [] };
    },
  };
  const store = postgresApiKeyStore(client);
  const hostile = `'; DROP TABLE api_keys; --`;
  for (const value of [hostile, 'honest']) {
    await store.get(value);
    await store.list({
      namespace: value,
      tenant: value,
      after: value,
      limit: 1,
      owner: { type: 'user', id: value },
    });
    await store.touch({ id: value, secret: 'current', at: 1, interval: 1 });
    await store.consume(value, [{ name: value, cost: 1, limit: 1, window: 1 }], 1);
  }
  expect(texts.size).toBe(5);
  expect([...texts].join()).not.toContain('DROP');
});
