import type { TenantRecord, TenantStatus, TenantStore } from '../contracts/tenant-store.ts';
import {
  assertSame,
  assertThat,
  type ContractCase,
  hostileKeys,
  type StoreSubject,
} from './contract-case.ts';

type Case = ContractCase<Pick<StoreSubject<TenantStore>, 'create'>>;

function one(name: string, run: (store: TenantStore) => Promise<void>): Case {
  return { name, run: async ({ create }) => run(await create()) };
}

const tenant = (
  id: string,
  status: TenantStatus = 'active',
  attributes: Readonly<Record<string, string>> = {},
): TenantRecord => ({ id, status, attributes });

const written = (record: TenantRecord | undefined): string | undefined =>
  record &&
  JSON.stringify([
    record.id,
    record.status,
    Object.entries(record.attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

async function expectTenant(store: TenantStore, id: string, expected: TenantRecord | undefined) {
  const found = await store.read(id);
  assertSame(written(found), written(expected), `the tenant ${JSON.stringify(id)}`);
}

// PostgreSQL keeps neither NUL nor half a character in a text, and nobody needs tenants of such names.
const names = hostileKeys.filter((key) => key.length < 100 && !/[\0\ud800-\udfff]/u.test(key));
const AT_ONCE = 10;

/**
 * What every `TenantStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of tenantStoreContract) test(name, () => run({ create }));
 */
export const tenantStoreContract: readonly Case[] = Object.freeze([
  one('a tenant that nobody created is not there', async (store) => {
    for (const id of ['acme', 'constructor', '__proto__', '']) {
      assertSame(await store.read(id), undefined, `read ${JSON.stringify(id)}`);
    }
    assertSame(await store.update(tenant('acme')), false, 'update');
    assertSame(await store.read('acme'), undefined, 'read behind an update');
  }),
  one('a tenant is what was created, until it is updated', async (store) => {
    const first = tenant('acme', 'active', { plan: 'pro', ['__proto__']: 'x', 'a b': 'ü' });
    assertSame(await store.create(first), true, 'create');
    await expectTenant(store, 'acme', first);
    const next = tenant('acme', 'suspended', { region: 'eu' });
    assertSame(await store.update(next), true, 'update');
    await expectTenant(store, 'acme', next);
    assertSame(await store.update(tenant('acme')), true, 'update again');
    await expectTenant(store, 'acme', tenant('acme'));
  }),
  one('an id is given once', async (store) => {
    assertSame(await store.create(tenant('acme', 'active', { plan: 'pro' })), true, 'create');
    assertSame(await store.create(tenant('acme', 'active', { plan: 'free' })), false, 'again');
    await expectTenant(store, 'acme', tenant('acme', 'active', { plan: 'pro' }));
  }),
  one('a closed tenant stays closed, and its id is not given again', async (store) => {
    await store.create(tenant('acme'));
    assertSame(await store.update(tenant('acme', 'closed')), true, 'close');
    assertSame(await store.update(tenant('acme', 'active')), false, 'reopen');
    assertSame(await store.create(tenant('acme')), false, 'create again');
    await expectTenant(store, 'acme', tenant('acme', 'closed'));
  }),
  one('of many who create one at once, one does', async (store) => {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, at) =>
        store.create(tenant('acme', 'active', { by: String(at) })),
      ),
    );
    assertSame(answers.filter(Boolean).length, 1, 'winners');
    await expectTenant(
      store,
      'acme',
      tenant('acme', 'active', { by: String(answers.indexOf(true)) }),
    );
  }),
  one('of closing and reopening at once, closing wins', async (store) => {
    await store.create(tenant('acme'));
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, at) =>
        store.update(tenant('acme', at === AT_ONCE / 2 ? 'closed' : 'active')),
      ),
    );
    await expectTenant(store, 'acme', tenant('acme', 'closed'));
  }),
  one('ids that look alike are different tenants', async (store) => {
    for (const id of names) await store.create(tenant(id, 'active', { id }));
    for (const id of names) await expectTenant(store, id, tenant(id, 'active', { id }));
  }),
  one('a list pages through all of them in order', async (store) => {
    const ids = ['a', 'B', 'b', 'a0', 'Z', 'a-', '_'];
    for (const id of ids) await store.create(tenant(id, id === 'b' ? 'suspended' : 'active'));
    const seen: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < ids.length; page++) {
      const found = await store.list({ after, limit: 3 });
      assertThat(found.length <= 3, 'a page is no longer than its limit');
      seen.push(...found.map(({ id }) => id));
      after = found.at(-1)?.id;
      if (after === undefined) break;
    }
    assertSame(seen.join(), ids.toSorted().join(), 'what the pages hold');
  }),
]);
