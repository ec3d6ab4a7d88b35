import { randomId } from '../../api-keys/api-key-format.ts';
import type { ApiKeyStore, QuotaCharge, QuotaVerdict } from '../../contracts/api-key-store.ts';
import {
  type ApiKeyStoreCase,
  AT_ONCE,
  atOnce,
  bare,
  DAY,
  expectSame,
  NOON,
  use,
} from './cases.ts';

/** How charges are counted, also many at once. */
export const quotas: readonly ApiKeyStoreCase[] = [
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
      const verdict = (await store.consume(id, [charge('a', 11, 10)], NOON)) as Denial;
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
];

type Denial = Extract<QuotaVerdict, { readonly ok: false }>;

async function inserted(store: ApiKeyStore): Promise<string> {
  const record = bare();
  await store.insert(record);
  return record.id;
}

function charge(name: string, cost: number, limit: number, window: number = DAY): QuotaCharge {
  return { name, cost, limit, window };
}
