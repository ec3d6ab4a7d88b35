import { randomId } from '../../api-keys/api-key-format.ts';
import type {
  ApiKeyStore,
  NamedQuota,
  QuotaCharge,
  QuotaVerdict,
} from '../../contracts/api-key-store.ts';
import { type ApiKeyStoreCase, AT_ONCE, atOnce, bare, DAY, expectSame, use } from './cases.ts';

/** One window from 1970 to 2069, so that no case stands at the end of one. */
const LONG = 100 * 365 * DAY;

/** How charges are counted, also many at once. By whichever clock the store goes, the caller's or its own. */
export const quotas: readonly ApiKeyStoreCase[] = [
  {
    name: 'quotas are counted within their windows',
    run: async (store) => {
      const id = await inserted(store);
      const take = (cost: number) => store.consume(id, [charge('a', cost, 10)], Date.now());
      expectSame(await take(7), { ok: true, remaining: { a: 3 } }, 'first');
      expectSame(await take(3), { ok: true, remaining: { a: 0 } }, 'the rest');
      expectSame(await take(1), { ok: false, name: 'a', resetsAt: LONG }, 'used up');
    },
  },
  {
    name: 'a window ends, and the next one has room',
    run: async (store) => {
      const id = await inserted(store);
      const take = () => store.consume(id, [charge('a', 1, 1, 100)], Date.now());
      const verdicts: QuotaVerdict[] = [];
      const end = Date.now() + 5_000;
      // At most a few turns: what is used up in one window is there in the next.
      while (verdicts.filter(({ ok }) => ok).length < 2 && Date.now() < end) {
        verdicts.push(await take());
        if (!verdicts.at(-1)?.ok) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expectSame(verdicts.filter(({ ok }) => ok).length, 2, 'taken');
    },
  },
  {
    name: 'a caller whose clock ran a year ahead gives nobody room and blocks nobody',
    run: async (store) => {
      const id = await inserted(store);
      const take = (cost: number, now: number) => store.consume(id, [charge('a', cost, 10)], now);
      const ahead = Date.now() + 2 * LONG;
      expectSame((await take(6, Date.now())).ok, true, 'before');
      await take(1, ahead);
      expectSame(await take(5, Date.now()), { ok: false, name: 'a', resetsAt: LONG }, 'not reset');
      expectSame(await take(3, Date.now()), { ok: true, remaining: { a: 0 } }, 'not blocked');
    },
  },
  {
    name: 'what is used can be read without being counted',
    run: async (store) => {
      const id = await inserted(store);
      const read = () =>
        store.readUsage(id, [named('a', 10), named('b', 5), named('toString', 1)], Date.now());
      const none = { used: 0, resetsAt: LONG };
      expectSame(await read(), [none, none, none], 'before');
      await store.consume(id, [charge('a', 7, 10)], Date.now());
      for (let n = 0; n < 3; n++) {
        expectSame(await read(), [{ used: 7, resetsAt: LONG }, none, none], 'after');
      }
      const unknown = await store.readUsage(randomId(), [named('a', 10)], Date.now());
      expectSame(unknown[0]?.used, 0, 'unknown');
    },
  },
  {
    name: 'what was used is forgotten for the names that are given, or for all',
    run: async (store) => {
      const id = await inserted(store);
      const other = await inserted(store);
      const take = (key: string) =>
        store.consume(key, [charge('a', 1, 1), charge('b', 1, 1)], Date.now());
      await take(id);
      await take(other);
      expectSame(await store.resetUsage(id, ['a']), true, 'one');
      expectSame(await take(id), { ok: false, name: 'b', resetsAt: LONG }, 'the other stays');
      expectSame(await store.resetUsage(id, undefined), true, 'all');
      expectSame((await take(id)).ok, true, 'afterwards');
      expectSame((await take(other)).ok, false, 'another key');
      expectSame(await store.resetUsage(randomId(), undefined), false, 'unknown');
    },
  },
  {
    name: 'a charge is taken in all quotas or in none',
    run: async (store) => {
      const id = await inserted(store);
      const take = (a: number, b: number) =>
        store.consume(id, [charge('a', a, 10), charge('b', b, 2, LONG * 2)], Date.now());
      expectSame(await take(1, 1), { ok: true, remaining: { a: 9, b: 1 } }, 'both');
      expectSame((await take(1, 2)).ok, false, 'one lacks room');
      expectSame(await take(9, 1), { ok: true, remaining: { a: 0, b: 0 } }, 'nothing was taken');
    },
  },
  {
    name: 'what is more than the whole quota never comes to have room',
    run: async (store) => {
      const id = await inserted(store);
      const verdict = (await store.consume(id, [charge('a', 11, 10)], Date.now())) as Denial;
      expectSame([verdict.ok, verdict.resetsAt], [false, undefined], 'verdict');
      expectSame(
        (await store.consume(id, [charge('a', 10, 10)], Date.now())).ok,
        true,
        'afterwards',
      );
    },
  },
  {
    name: 'of many charges at once exactly those with room are taken',
    run: async (store) => {
      const id = await inserted(store);
      const verdicts = await atOnce(() =>
        store.consume(id, [charge('a', 1, AT_ONCE), charge('b', 1, 5)], Date.now()),
      );
      expectSame(verdicts.filter(({ ok }) => ok).length, 5, 'taken');
      const rest = await store.consume(id, [charge('a', AT_ONCE - 5, AT_ONCE)], Date.now());
      expectSame(rest, { ok: true, remaining: { a: 0 } }, 'nothing beside was taken');
    },
  },
  {
    name: 'keys do not share counters, and an unknown key has no room',
    run: async (store) => {
      const [one, other] = [await inserted(store), await inserted(store)];
      await store.consume(one, [charge('a', 1, 1)], Date.now());
      expectSame(
        (await store.consume(other, [charge('a', 1, 1)], Date.now())).ok,
        true,
        'the other',
      );
      expectSame(
        (await store.consume(randomId(), [charge('a', 1, 9)], Date.now())).ok,
        false,
        'unknown',
      );
    },
  },
  {
    name: 'counters survive changes of the key',
    run: async (store) => {
      const record = bare();
      await store.insert(record);
      await store.consume(record.id, [charge('a', 1, 1)], Date.now());
      await store.replace({ ...record, name: 'renamed' });
      await store.touch(use(record.id, Date.now()));
      expectSame(
        (await store.consume(record.id, [charge('a', 1, 1)], Date.now())).ok,
        false,
        'used up',
      );
    },
  },
];

type Denial = Extract<QuotaVerdict, { readonly ok: false }>;

async function inserted(store: ApiKeyStore): Promise<string> {
  const record = bare();
  await store.insert(record);
  return record.id;
}

function charge(name: string, cost: number, limit: number, window: number = LONG): QuotaCharge {
  return { name, cost, limit, window };
}

function named(name: string, limit: number): NamedQuota {
  return { name, limit, window: LONG };
}
