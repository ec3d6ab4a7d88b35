import type { RoleStore } from '../contracts/role-store.ts';
import { assertSame, type ContractCase, hostileKeys, type StoreSubject } from './contract-case.ts';

type Case = ContractCase<Pick<StoreSubject<RoleStore>, 'create'>>;

function one(name: string, run: (store: RoleStore) => Promise<void>): Case {
  return { name, run: async ({ create }) => run(await create()) };
}

async function expectRoles(
  store: RoleStore,
  principal: string,
  tenant: string | undefined,
  expected: readonly string[],
): Promise<void> {
  const roles = await store.rolesOf({ principal, tenant });
  assertSame(
    JSON.stringify([...roles].toSorted()),
    JSON.stringify([...expected].toSorted()),
    `the roles of ${JSON.stringify(principal)} in ${JSON.stringify(tenant)}`,
  );
}

// PostgreSQL keeps neither NUL nor half a character in a text; a store may reject such names.
const names = hostileKeys.filter((key) => !/[\0\ud800-\udfff]/u.test(key));

/**
 * What every `RoleStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of roleStoreContract) test(name, () => run({ create }));
 */
export const roleStoreContract: readonly Case[] = Object.freeze([
  one('a stranger has no role', async (store) => {
    await expectRoles(store, 'alice', undefined, []);
    await expectRoles(store, 'constructor', '__proto__', []);
  }),
  one('a role that was assigned is there until it is taken away', async (store) => {
    await store.assign({ principal: 'alice', tenant: 'acme', role: 'editor' });
    await store.assign({ principal: 'alice', tenant: 'acme', role: 'reader' });
    await expectRoles(store, 'alice', 'acme', ['editor', 'reader']);
    await store.unassign({ principal: 'alice', tenant: 'acme', role: 'editor' });
    await expectRoles(store, 'alice', 'acme', ['reader']);
  }),
  one('assigning and taking away may be repeated', async (store) => {
    await store.assign({ principal: 'alice', tenant: undefined, role: 'admin' });
    await store.assign({ principal: 'alice', tenant: undefined, role: 'admin' });
    await expectRoles(store, 'alice', undefined, ['admin']);
    await store.unassign({ principal: 'alice', tenant: undefined, role: 'admin' });
    await store.unassign({ principal: 'alice', tenant: undefined, role: 'admin' });
    await expectRoles(store, 'alice', undefined, []);
  }),
  one('a role holds in its own tenant only', async (store) => {
    await store.assign({ principal: 'alice', tenant: 'acme', role: 'admin' });
    await expectRoles(store, 'alice', 'globex', []);
    await expectRoles(store, 'alice', undefined, []);
    await expectRoles(store, 'alice', '', []);
    await store.assign({ principal: 'bob', tenant: undefined, role: 'admin' });
    await expectRoles(store, 'bob', 'acme', []);
    await expectRoles(store, 'bob', '', []);
  }),
  one('names that look alike are different principals and tenants', async (store) => {
    for (const [at, key] of names.entries()) {
      await store.assign({ principal: key, tenant: key, role: `role-${at}` });
    }
    for (const [at, key] of names.entries()) await expectRoles(store, key, key, [`role-${at}`]);
  }),
]);
