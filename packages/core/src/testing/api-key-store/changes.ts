import { randomId } from '../../api-keys/api-key-format.ts';
import type { ApiKeyRecord } from '../../contracts/api-key-store.ts';
import {
  type ApiKeyStoreCase,
  atOnce,
  bare,
  expectSame,
  full,
  NOON,
  pruned,
  use,
} from './cases.ts';

/** What replaces a row, and what the use of a key notes in it. */
export const changes: readonly ApiKeyStoreCase[] = [
  {
    name: 'a replacement raises the version, and an old version replaces nothing',
    run: async (store) => {
      const record = full();
      await store.insert(record);
      const disabled = {
        ...record,
        status: 'disabled',
        reason: 'spam',
        updatedAt: NOON + 1,
      } as const;
      expectSame(await store.replace(disabled), true, 'replace');
      expectSame(await store.get(record.id), { ...disabled, version: 1 }, 'get');
      expectSame(await store.replace(record), false, 'replace with the old version');
      expectSame(await store.replace({ ...record, version: 2 }), false, 'with a version to come');
      expectSame((await store.get(record.id))?.status, 'disabled', 'status');
      expectSame(await store.replace(bare()), false, 'replace of no row');
    },
  },
  {
    name: 'a replacement can take away what is optional',
    run: async (store) => {
      const record = full();
      await store.insert(record);
      const { id, owner, tenant } = record;
      await store.replace({ ...bare(), id, owner, tenant });
      const { lastUsedAt } = record;
      const expected = { ...bare(), id, owner, tenant, lastUsedAt, version: 1 };
      expectSame(pruned(await store.get(id)), pruned(expected), 'get');
    },
  },
  {
    name: 'of many replacements at once exactly one wins',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      const won = await atOnce((n) => store.replace({ ...record, name: `n${n}` }));
      expectSame(won.filter(Boolean).length, 1, 'winners');
      const back = await store.get(record.id);
      expectSame([back?.name, back?.version], [`n${won.indexOf(true)}`, 1], 'the row');
    },
  },
  {
    name: 'a replacement leaves when the secrets were used, and a rotation begins anew',
    run: async (store) => {
      const record = { ...full(), lastUsedAt: undefined };
      await store.insert(record);
      await store.touch(use(record.id, NOON));
      await store.touch(use(record.id, NOON, 'previous'));
      await store.replace({ ...record, name: 'renamed' });
      const renamed = (await store.get(record.id)) as ApiKeyRecord;
      expectSame([renamed.lastUsedAt, renamed.previous?.lastUsedAt], [NOON, NOON], 'kept');
      const previous = { ...record.secret, until: NOON + 1, lastUsedAt: NOON };
      await store.replace({ ...renamed, secret: { hash: 'c'.repeat(64), pepper: 'v2' }, previous });
      const rotated = (await store.get(record.id)) as ApiKeyRecord;
      expectSame([rotated.lastUsedAt, rotated.previous?.lastUsedAt], [NOON, undefined], 'anew');
    },
  },
  {
    name: 'the last use is noted once in an interval, and never backwards',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      const noted = async (at: number): Promise<number | undefined> => {
        await store.touch(use(record.id, at));
        return (await store.get(record.id))?.lastUsedAt;
      };
      expectSame(await noted(NOON), NOON, 'the first');
      expectSame(await noted(NOON + 999), NOON, 'within the interval');
      expectSame(await noted(NOON + 1000), NOON + 1000, 'after the interval');
      expectSame(await noted(NOON), NOON + 1000, 'earlier');
      expectSame((await store.get(record.id))?.version, 0, 'version');
      await store.touch(use(record.id, NOON, 'previous'));
      expectSame((await store.get(record.id))?.previous === undefined, true, 'no previous secret');
      await store.touch(use(randomId(), NOON));
    },
  },
];
