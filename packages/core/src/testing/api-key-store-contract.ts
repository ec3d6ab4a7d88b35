import { randomId } from '../internal/api-keys/api-key-format.ts';
import type {
  ApiKeyRecord,
  ApiKeyStore,
  ApiKeyUse,
  QuotaCharge,
  QuotaVerdict,
} from '../stores/api-key-store.ts';
import { assertSame, type ContractCase } from './contract-case.ts';

const AT_ONCE = 24;
const DAY = 86_400_000;
const NOON = 20_000 * DAY + DAY / 2;

/**
 * What every `ApiKeyStore` promises, as cases for any test runner. They take a store, which may hold other
 * rows; races are only seen with one that has several connections.
 *
 * @example
 * for (const { name, run } of apiKeyStoreContract) test(name, () => run(store));
 */
export const apiKeyStoreContract: readonly ContractCase<ApiKeyStore>[] = Object.freeze([
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
  {
    name: 'quotas are counted within their windows',
    run: async (store) => {
      const id = await inserted(store);
      const take = (cost: number, now: number) => store.consume(id, [charge('a', cost, 10)], now);
      expectSame(await take(7, NOON), { ok: true, remaining: { a: 3 } }, 'first');
      expectSame(await take(3, NOON + 1), { ok: true, remaining: { a: 0 } }, 'the rest');
      const end = NOON + DAY / 2;
      expectSame(await take(1, end - 1), { ok: false, name: 'a', resetsAt: end }, 'used up');
      expectSame(await take(1, end), { ok: true, remaining: { a: 9 } }, 'the next window');
    },
  },
  {
    name: 'a charge is taken in all quotas or in none',
    run: async (store) => {
      const id = await inserted(store);
      const take = (a: number, b: number) =>
        store.consume(id, [charge('a', a, 10), charge('b', b, 2, DAY * 30)], NOON);
      expectSame(await take(1, 1), { ok: true, remaining: { a: 9, b: 1 } }, 'both');
      expectSame((await take(1, 2)).ok, false, 'one lacks room');
      expectSame(await take(9, 1), { ok: true, remaining: { a: 0, b: 0 } }, 'nothing was taken');
    },
  },
  {
    name: 'what is more than the whole quota never comes to have room',
    run: async (store) => {
      const id = await inserted(store);
      const verdict = (await store.consume(id, [charge('a', 11, 10)], NOON)) as Refusal;
      expectSame([verdict.ok, verdict.resetsAt], [false, undefined], 'verdict');
      expectSame((await store.consume(id, [charge('a', 10, 10)], NOON)).ok, true, 'afterwards');
    },
  },
  {
    name: 'a node with a late clock does not open the last window again',
    run: async (store) => {
      const id = await inserted(store);
      const next = NOON + DAY / 2;
      await store.consume(id, [charge('a', 6, 10)], next);
      const late = await store.consume(id, [charge('a', 5, 10)], next - 1);
      expectSame(late, { ok: false, name: 'a', resetsAt: next + DAY }, 'late');
      const again = await store.consume(id, [charge('a', 4, 10)], next);
      expectSame(again, { ok: true, remaining: { a: 0 } }, 'counted together');
    },
  },
  {
    name: 'of many charges at once exactly those with room are taken',
    run: async (store) => {
      const id = await inserted(store);
      const verdicts = await atOnce(() =>
        store.consume(id, [charge('a', 1, AT_ONCE), charge('b', 1, 5)], NOON),
      );
      expectSame(verdicts.filter(({ ok }) => ok).length, 5, 'taken');
      const rest = await store.consume(id, [charge('a', AT_ONCE - 5, AT_ONCE)], NOON);
      expectSame(rest, { ok: true, remaining: { a: 0 } }, 'nothing beside was taken');
    },
  },
  {
    name: 'keys do not share counters, and an unknown key has no room',
    run: async (store) => {
      const [one, other] = [await inserted(store), await inserted(store)];
      await store.consume(one, [charge('a', 1, 1)], NOON);
      expectSame((await store.consume(other, [charge('a', 1, 1)], NOON)).ok, true, 'the other');
      expectSame((await store.consume(randomId(), [charge('a', 1, 9)], NOON)).ok, false, 'unknown');
    },
  },
  {
    name: 'counters survive changes of the key',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      await store.consume(record.id, [charge('a', 1, 1)], NOON);
      await store.replace({ ...record, name: 'renamed' });
      await store.touch(use(record.id, NOON));
      expectSame((await store.consume(record.id, [charge('a', 1, 1)], NOON)).ok, false, 'used up');
    },
  },
]);

/** Fails a case unless both are the same as JSON, whatever the order of members. */
function expectSame(actual: unknown, expected: unknown, what: string): void {
  assertSame(canonical(actual), canonical(expected), what);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

type Refusal = Extract<QuotaVerdict, { readonly ok: false }>;

function bare(): ApiKeyRecord {
  return {
    id: randomId(),
    namespace: 'acme_live',
    name: 'Billing',
    version: 0,
    generation: 0,
    owner: { type: 'user', id: 'u1' },
    secret: { hash: 'a'.repeat(64), pepper: 'v1' },
    status: 'enabled',
    createdAt: NOON - DAY,
    updatedAt: NOON - DAY,
  };
}

function full(): ApiKeyRecord {
  return {
    ...bare(),
    tenant: 't1',
    owner: { type: 'organisation', id: 'o1' },
    previous: { hash: 'b'.repeat(64), pepper: 'v0', until: NOON + DAY },
    scopes: ['orders:read', 'orders:write'],
    roles: ['admin'],
    limits: {
      requests: { algorithm: 'bucket', capacity: 100, refill: 1.5, period: 1000 },
      reports: { algorithm: 'fixed_window', capacity: 10, window: DAY },
    },
    quotas: { reports: { limit: Number.MAX_SAFE_INTEGER, window: DAY } },
    allowedPeers: ['192.0.2.0/24', '2001:db8::/32'],
    metadata: { plan: 'pro', nested: { list: [1, null, true, 1.5], empty: {}, none: [] }, '': 0 },
    expiresAt: NOON + 2 * DAY,
    reason: 'none',
    lastUsedAt: NOON - 1,
    generation: 3,
  };
}

async function inserted(store: ApiKeyStore): Promise<string> {
  const record = bare();
  await store.insert(record);
  return record.id;
}

function use(id: string, at: number, secret: ApiKeyUse['secret'] = 'current'): ApiKeyUse {
  return { id, secret, at, interval: 1000 };
}

function charge(name: string, cost: number, limit: number, window: number = DAY): QuotaCharge {
  return { name, cost, limit, window };
}

function atOnce<T>(start: (n: number) => T | Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, async (_, n) => start(n)));
}

/** Stores may answer an empty list where there was none, where it means the same. */
function pruned(record: ApiKeyRecord | undefined): unknown {
  if (record === undefined) return undefined;
  const { scopes = [], roles = [], limits = {}, quotas = {}, metadata = {} } = record;
  return { ...record, scopes, roles, limits, quotas, metadata };
}

function ascii(one: string, other: string): number {
  return one < other ? -1 : 1;
}
