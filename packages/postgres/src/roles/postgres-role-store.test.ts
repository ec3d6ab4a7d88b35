import { ConfigurationError } from '@apisec/core';
import { roleStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { oneDatabase, openedBefore } from '../../test/databases.ts';
import { postgresRoleStore } from '../index.ts';

const ALICE = { principal: 'alice', tenant: 'acme' };

describe.each(oneDatabase)('roles on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  const create = async () => {
    await client.query(`DELETE FROM "${schema}".roles`);
    return postgresRoleStore(client, { schema });
  };

  test.each(roleStoreContract)('$name', ({ run }) => run({ create }));

  test('many concurrent assignments of the same role all succeed, and it is stored once', async () => {
    const store = await create();
    await Promise.all(
      Array.from({ length: 20 }, async () => store.assign({ ...ALICE, role: 'editor' })),
    );
    expect(await store.rolesOf(ALICE)).toEqual(['editor']);
  });

  test('principals and tenants may be of any length, and hold what PostgreSQL does not', async () => {
    const store = await create();
    const long = { principal: `\0${'ü'.repeat(5_000)}`, tenant: 'ü'.repeat(5_000) };
    await store.assign({ ...long, role: 'editor' });
    expect(await store.rolesOf(long)).toEqual(['editor']);
    expect(await store.rolesOf({ ...long, tenant: `${long.tenant}ü` })).toEqual([]);
  });

  test('all roles in a tenant are taken away by its id as JSON', async () => {
    const store = await create();
    for (const tenant of ['acme', 'globex', undefined]) {
      for (const principal of ['alice', 'bob'])
        await store.assign({ principal, tenant, role: 'editor' });
    }
    await client.query(`DELETE FROM "${schema}".roles WHERE tenant = '"acme"'`);
    const left = async (tenant?: string) => [
      ...(await store.rolesOf({ principal: 'alice', tenant })),
      ...(await store.rolesOf({ principal: 'bob', tenant })),
    ];
    expect(await left('acme')).toEqual([]);
    expect(await left('globex')).toEqual(['editor', 'editor']);
    expect(await left()).toEqual(['editor', 'editor']);
  });

  test('of more roles than anybody takes no more are read', async () => {
    const store = await create();
    await store.assign({ ...ALICE, role: 'first' });
    await client.query(
      `INSERT INTO "${schema}".roles (key, role, principal)
       SELECT key, 'role' || n, principal FROM "${schema}".roles, generate_series(1, 2000) AS n`,
    );
    expect(await store.rolesOf(ALICE)).toHaveLength(1_001);
  });

  test.each([
    ['an empty one', ''],
    ['one with NUL', 'admin\0'],
    ['one with half a character', 'admin\ud800'],
    ['one that is too long', 'r'.repeat(257)],
    ['one that is not text', ['admin'] as unknown as string],
  ])('a role is not assigned or taken away by %s', async (_name, role) => {
    const store = await create();
    await expect(store.assign({ ...ALICE, role })).rejects.toThrow(RangeError);
    await expect(store.unassign({ ...ALICE, role })).rejects.toThrow(RangeError);
    expect(await store.rolesOf(ALICE)).toEqual([]);
  });

  test('rejects when the database does', async () => {
    const store = postgresRoleStore({ query: () => Promise.reject(new Error('away')) });
    await expect(store.rolesOf(ALICE)).rejects.toThrow('away');
  });

  test('cannot be constructed with what it does not know', () => {
    expect(() => postgresRoleStore(client, { schema: 'a"b' })).toThrow(ConfigurationError);
    expect(() => postgresRoleStore(client, { now: 7 } as never)).toThrow(ConfigurationError);
  });
});
