import { tokenBucket } from '../../limits/token-bucket.ts';
import { assertSame, hostileKeys } from '../contract-case.ts';
import { allowed, ask, type LimitStoreCase, one, slow, THREE } from './cases.ts';

/** Limits and callers that are counted together or apart. */
export const sideBySide: readonly LimitStoreCase[] = [
  one('limits of one name that recover at different speeds are counted apart', async (store) => {
    const strict = tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 });
    const loose = tokenBucket({ capacity: 1_000, refillPerSecond: 100_000 });
    for (let call = 0; call < 3; call++) {
      await allowed(store, [ask({ limit: strict })], true, 'the strict limit');
      await allowed(store, [ask({ limit: loose, cost: 100 })], true, 'the loose one');
    }
    for (let call = 0; call < 20; call++) {
      await store.consume([ask({ limit: loose })]);
      await allowed(store, [ask({ limit: strict })], false, 'the strict limit is used up');
    }
  }),
  one('several limits are all charged or none', async (store) => {
    const wide = ask({ name: 'wide', limit: { ...THREE, capacity: 10 } });
    const tight = ask({ name: 'tight', limit: { ...THREE, capacity: 2 } });
    await allowed(store, [wide, tight], true, 'first');
    await allowed(store, [wide, tight], true, 'second');
    for (let call = 0; call < 20; call++) {
      const { verdicts } = await allowed(store, [wide, tight], false, 'tight is used up');
      assertSame(verdicts[0]?.allowed, true, 'the wide limit has room');
      assertSame(verdicts[0]?.retryAfterMs, 0, 'retryAfterMs of the wide limit');
      assertSame(verdicts[0]?.remaining, 8, 'remaining of the wide limit', 0.01);
      assertSame(verdicts[1]?.allowed, false, 'the tight one has none');
    }
    await allowed(store, [tight, wide], false, 'in the other order');
    await allowed(store, [{ ...wide, cost: 8 }], true, 'the wide limit was not charged');
  }),
  one('several limits are one step for calls at the same moment', async (store) => {
    const user = ask({ name: 'user', limit: { ...THREE, capacity: 30 } });
    const requests = [user, ask({ name: 'all', limit: { ...THREE, capacity: 7 } })];
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => store.consume(requests)),
    );
    assertSame(answers.filter((answer) => answer.allowed).length, 7, 'admitted');
    const { verdicts } = await allowed(store, [{ ...user, cost: 0 }], true, 'asking');
    assertSame(verdicts[0]?.remaining, 23, 'remaining of the wider limit', 0.01);
  }),
  one('sixteen limits of all kinds are one call', async (store) => {
    const requests = Array.from({ length: 16 }, (_, index) =>
      ask({ name: `limit ${index}`, limit: Object.values(slow)[index % 4] ?? THREE }),
    );
    for (let call = 0; call < 3; call++) await allowed(store, requests, true, `call ${call}`);
    await allowed(store, requests, false, 'the fourth');
  }),
  one('keys and names that differ stay different', async (store) => {
    for (const name of ['limit', 'limit2', 'lim', '{limit}', 'limit:caller']) {
      for (const key of hostileKeys) {
        const what = `${name} ${JSON.stringify(key.slice(0, 20))}`;
        await allowed(store, [ask({ name, key, cost: 3 })], true, `new: ${what}`);
      }
    }
    for (const key of hostileKeys) {
      await allowed(store, [ask({ key })], false, `used up: ${JSON.stringify(key.slice(0, 20))}`);
    }
  }),
  one('what no one could write down is not between name and key', async (store) => {
    await allowed(store, [ask({ name: 'a', key: 'b:c', cost: 3 })], true, 'a + b:c');
    await allowed(store, [ask({ name: 'a:b', key: 'c', cost: 3 })], true, 'a:b + c');
    await allowed(store, [ask({ name: 'a', key: 'b' })], true, 'a + b');
    await allowed(store, [ask({ name: 'c', key: 'd:=e', cost: 3 })], true, 'c + d:=e');
    await allowed(store, [ask({ name: 'c:=d', key: 'e', cost: 3 })], true, 'c:=d + e');
  }),
];
