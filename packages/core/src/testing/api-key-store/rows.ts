import { randomId } from '../../api-keys/api-key-format.ts';
import { type ApiKeyStoreCase, atOnce, bare, expectSame, full, pruned } from './cases.ts';

/** Rows come back as they went in, and one id is one row. */
export const rows: readonly ApiKeyStoreCase[] = [
  {
    name: 'a full row comes back as it went in',
    run: async (store) => {
      const record = full();
      expectSame(await store.insert(record), true, 'insert');
      expectSame(await store.get(record.id), record, 'get');
    },
  },
  {
    name: 'a bare row comes back as it went in',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      const back = await store.get(record.id);
      expectSame(pruned(back), pruned(record), 'get');
      expectSame(back?.allowedPeers === undefined, true, 'no list of peers means any peer');
    },
  },
  {
    name: 'an empty list of peers stays one: it allows nobody',
    run: async (store) => {
      const record = { ...bare(), allowedPeers: [] };
      await store.insert(record);
      expectSame((await store.get(record.id))?.allowedPeers, [], 'allowedPeers');
    },
  },
  {
    name: 'text is kept as it is, whatever it would mean elsewhere',
    run: async (store) => {
      const texts = [
        `'); DROP TABLE api_keys; --`,
        '$1 %s {} \\u0041 \\',
        '日本 🔑',
        'a\nb\tc',
        '*:{x}',
      ];
      for (const text of texts) {
        const owner = { type: 'user', id: text } as const;
        const record = { ...bare(), name: text, tenant: text, owner, metadata: { [text]: [text] } };
        await store.insert(record);
        expectSame(pruned(await store.get(record.id)), pruned(record), 'get');
        const page = await store.list({ namespace: 'acme_live', tenant: text, owner, limit: 1000 });
        expectSame(
          page.some(({ id }) => id === record.id),
          true,
          'list',
        );
      }
    },
  },
  {
    name: 'an unknown id is undefined, and hostile ones too',
    run: async (store) => {
      for (const id of [randomId(), '', '__proto__', 'constructor', `' OR 1=1 --`, '*', 'a:b{c}']) {
        expectSame((await store.get(id)) === undefined, true, JSON.stringify(id));
      }
    },
  },
  {
    name: 'an id is taken once, and the first row stays',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      expectSame(await store.insert({ ...record, name: 'other' }), false, 'second insert');
      expectSame((await store.get(record.id))?.name, record.name, 'name');
    },
  },
  {
    name: 'of many rows with one id at once exactly one is added',
    run: async (store) => {
      const record = bare();
      const added = await atOnce((n) => store.insert({ ...record, name: `n${n}` }));
      expectSame(added.filter(Boolean).length, 1, 'added');
      expectSame((await store.get(record.id))?.name, `n${added.indexOf(true)}`, 'the one');
    },
  },
];
