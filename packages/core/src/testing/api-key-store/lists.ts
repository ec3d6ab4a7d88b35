import { randomId } from '../../api-keys/api-key-format.ts';
import type { ApiKeyRecord, ApiKeyStore } from '../../contracts/api-key-store.ts';
import { type ApiKeyStoreCase, bare, expectSame } from './cases.ts';

/** Whose rows a list holds, and in which order. */
export const lists: readonly ApiKeyStoreCase[] = [
  {
    name: 'a list holds one tenant, one namespace, and one owner where asked for',
    run: async (store) => {
      const [namespace, tenant] = [`acme_${randomId().toLowerCase()}`, randomId()];
      const add = async (change: Partial<ApiKeyRecord>): Promise<string> => {
        const record = { ...bare(), namespace, tenant, ...change };
        await store.insert(record);
        return record.id;
      };
      const ids = async (query: Partial<Parameters<ApiKeyStore['list']>[0]>): Promise<string[]> => {
        const page = await store.list({ namespace, tenant, limit: 100, ...query });
        return page.map(({ id }) => id);
      };
      const first = await add({});
      const second = await add({ owner: { type: 'organisation', id: 'u1' } });
      const third = await add({ owner: { type: 'user', id: 'u2' } });
      const free = await add({ tenant: undefined });
      await add({ tenant: `${tenant}x` });
      await add({ namespace: `${namespace}x` });
      expectSame(await ids({}), [first, second, third].toSorted(ascii), 'one tenant');
      expectSame(await ids({ tenant: undefined }), [free], 'no tenant');
      expectSame(await ids({ owner: { type: 'user', id: 'u1' } }), [first], 'a user');
      expectSame(
        await ids({ owner: { type: 'organisation', id: 'u1' } }),
        [second],
        'its namesake',
      );
      expectSame(await ids({ owner: { type: 'user', id: 'u3' } }), [], 'nobody');
    },
  },
  {
    name: 'pages of a list are complete and in order, without one row twice',
    run: async (store) => {
      const tenant = randomId();
      const made = Array.from({ length: 7 }, () => ({ ...bare(), tenant }));
      for (const record of made) await store.insert(record);
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await store.list({ namespace: 'acme_live', tenant, after, limit: 3 });
        seen.push(...page.map(({ id }) => id));
        if (page.length < 3) break;
      }
      expectSame(seen, made.map(({ id }) => id).toSorted(ascii), 'pages');
    },
  },
];

function ascii(one: string, other: string): number {
  return one < other ? -1 : 1;
}
