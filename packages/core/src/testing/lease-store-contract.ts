import type { LeaseAnswer, LeaseRequest, LeaseStore } from '../contracts/lease-store.ts';
import {
  assertSame,
  assertThat,
  type ContractCase,
  hostileKeys,
  inTime,
  type StoreSubject,
} from './contract-case.ts';

type Case = ContractCase<StoreSubject<LeaseStore>>;

function ask(over: Partial<LeaseRequest> = {}): LeaseRequest {
  return { name: 'limit', key: 'caller', limit: 2, ttl: 60_000, ...over };
}

async function acquire(
  store: LeaseStore,
  request: LeaseRequest,
  expected: boolean,
  what: string,
): Promise<LeaseAnswer & { readonly lease: string }> {
  const answer = await store.acquire(request);
  assertSame(answer.allowed, expected, what);
  assertSame(typeof answer.lease === 'string', expected, `${what}: a lease is there`);
  return { ...answer, lease: answer.lease ?? '' };
}

function one(
  name: string,
  run: (store: LeaseStore, subject: StoreSubject<LeaseStore>) => Promise<void>,
): Case {
  return { name, run: async (subject) => inTime(subject, slower, run) };
}

function slower(store: LeaseStore, times: number): LeaseStore {
  const longer = (request: LeaseRequest) => ({ ...request, ttl: request.ttl * times });
  return {
    acquire: (request) => store.acquire(longer(request)),
    release: (request, lease) => store.release(longer(request), lease),
  };
}

/**
 * What every `LeaseStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of leaseStoreContract) test(name, () => run({ create, pass }));
 */
export const leaseStoreContract: readonly ContractCase<StoreSubject<LeaseStore>>[] = Object.freeze([
  one('gives as many leases as the limit, and one more for each that ends', async (store) => {
    const first = await acquire(store, ask(), true, 'first');
    assertSame(first.remaining, 1, 'remaining');
    const second = await acquire(store, ask(), true, 'second');
    assertSame(second.remaining, 0, 'remaining');
    assertThat(first.lease !== second.lease, 'each lease has its own id');
    const { remaining } = await acquire(store, ask(), false, 'third');
    assertSame(remaining, 0, 'remaining');
    await store.release(ask(), first.lease);
    await acquire(store, ask(), true, 'after one has ended');
    await acquire(store, ask(), false, 'and no more');
  }),
  one('a lease ends once, however often it is released', async (store) => {
    const { lease } = await acquire(store, ask(), true, 'first');
    await acquire(store, ask(), true, 'second');
    for (let time = 0; time < 3; time++) await store.release(ask(), lease);
    await store.release(ask(), 'never given');
    await acquire(store, ask(), true, 'one place was free');
    await acquire(store, ask(), false, 'and only one');
  }),
  one('a lease that nobody releases ends by itself', async (store, { pass }) => {
    const short = ask({ ttl: 120 });
    const { lease } = await acquire(store, short, true, 'first');
    await acquire(store, short, true, 'second');
    await acquire(store, short, false, 'while both run');
    await pass(200);
    await acquire(store, short, true, 'both have ended');
    // A release that comes late must not end somebody else's lease.
    await store.release(short, lease);
    await acquire(store, short, true, 'second place');
    await acquire(store, short, false, 'third');
  }),
  one('what remains counts no lease that has ended', async (store, { pass }) => {
    const short = ask({ limit: 3, ttl: 120 });
    const kept = await acquire(store, { ...short, ttl: 60_000 }, true, 'a long one');
    for (let call = 0; call < 2; call++) await acquire(store, short, true, `short one ${call}`);
    await store.release(short, kept.lease);
    await pass(200);
    const { remaining } = await acquire(store, short, true, 'when all have ended');
    assertSame(remaining, 2, 'remaining');
  }),
  one('a lease ends in its own time, whichever began first', async (store, { pass }) => {
    await acquire(store, ask(), true, 'a long one');
    await acquire(store, ask({ ttl: 120 }), true, 'a short one after it');
    await acquire(store, ask(), false, 'while both run');
    await pass(200);
    await acquire(store, ask(), true, 'the short one has ended');
    await acquire(store, ask(), false, 'the long one has not');
  }),
  one('exactly as many concurrent calls run as the limit allows', async (store) => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => store.acquire(ask({ limit: 7 }))),
    );
    const given = answers.flatMap(({ lease }) => lease ?? []);
    assertSame(given.length, 7, 'leases');
    assertSame(new Set(given).size, 7, 'different leases');
  }),
  one('a limit may change while leases are held', async (store) => {
    for (let call = 0; call < 2; call++) await acquire(store, ask(), true, `call ${call}`);
    await acquire(store, ask({ limit: 3 }), true, 'a higher limit');
    const { remaining } = await acquire(store, ask({ limit: 1 }), false, 'a lower limit');
    assertSame(remaining, 0, 'remaining is never negative');
  }),
  one('keys and names that differ stay different', async (store) => {
    for (const name of ['limit', 'limit2', '{limit}']) {
      for (const key of hostileKeys) {
        const what = `${name} ${JSON.stringify(key.slice(0, 20))}`;
        await acquire(store, ask({ name, key, limit: 1 }), true, `new: ${what}`);
      }
    }
    for (const key of hostileKeys) {
      await acquire(store, ask({ key, limit: 1 }), false, JSON.stringify(key.slice(0, 20)));
    }
  }),
]);
