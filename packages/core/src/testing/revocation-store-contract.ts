import type { RevocationStore } from '../contracts/revocation-store.ts';
import { assertSame, type ContractCase, hostileKeys, type StoreSubject } from './contract-case.ts';

type Case = ContractCase<StoreSubject<RevocationStore>>;

/** Long enough that no entry ends before it should, on a store with a clock of its own. */
const LONG = 60_000;
const ISSUED = 1_700_000_000_000;

function one(
  name: string,
  run: (store: RevocationStore, subject: StoreSubject<RevocationStore>) => Promise<void>,
): Case {
  return { name, run: async (subject) => run(await subject.create(), subject) };
}

async function expectRevoked(
  store: RevocationStore,
  expected: boolean,
  keys: readonly string[],
  what: string,
  issuedAt: number = ISSUED,
): Promise<void> {
  assertSame(await store.isRevoked(keys, issuedAt), expected, what);
}

/**
 * What every `RevocationStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of revocationStoreContract) test(name, () => run({ create, pass }));
 */
export const revocationStoreContract: readonly ContractCase<StoreSubject<RevocationStore>>[] =
  Object.freeze([
    one('what was not revoked is not revoked', async (store) => {
      await expectRevoked(store, false, ['a', 'b'], 'unknown keys');
      await expectRevoked(store, false, [], 'no keys');
      await store.revoke({ key: 'c', ttl: LONG });
      await expectRevoked(store, false, ['a', 'b'], 'other keys');
    }),
    one('one revoked key of many revokes, wherever it stands', async (store) => {
      await store.revoke({ key: 'b', ttl: LONG });
      for (const keys of [['b'], ['b', 'x'], ['x', 'b'], ['x', 'b', 'y']]) {
        await expectRevoked(store, true, keys, keys.join());
      }
      await expectRevoked(store, true, ['b'], 'an unknown time of issue', Number.NEGATIVE_INFINITY);
      await expectRevoked(store, true, ['b'], 'a later credential', ISSUED + 1e9);
    }),
    one('an epoch revokes what was issued before it, and nothing else', async (store) => {
      await store.revoke({ key: 'a', issuedBefore: ISSUED, ttl: LONG });
      await expectRevoked(store, true, ['a'], 'just before', ISSUED - 1);
      await expectRevoked(store, false, ['a'], 'at the moment', ISSUED);
      await expectRevoked(store, false, ['a'], 'after', ISSUED + 1);
      await expectRevoked(store, true, ['a'], 'who knows when', Number.NEGATIVE_INFINITY);
      await expectRevoked(store, false, ['b'], 'another key', ISSUED - 1);
    }),
    one('of several epochs the latest stands', async (store) => {
      await store.revoke({ key: 'a', issuedBefore: ISSUED, ttl: LONG });
      await store.revoke({ key: 'a', issuedBefore: ISSUED - 5_000, ttl: LONG });
      await expectRevoked(store, true, ['a'], 'before the first', ISSUED - 1);
      await store.revoke({ key: 'a', issuedBefore: ISSUED + 5_000, ttl: LONG });
      await expectRevoked(store, true, ['a'], 'before the latest', ISSUED + 4_999);
      await expectRevoked(store, false, ['a'], 'after it', ISSUED + 5_000);
    }),
    one('an entry ends when its time has passed', async (store, { pass }) => {
      await store.revoke({ key: 'short', ttl: 1_000 });
      await store.revoke({ key: 'epoch', issuedBefore: ISSUED + 1, ttl: 1_000 });
      await store.revoke({ key: 'long', ttl: LONG });
      await expectRevoked(store, true, ['short'], 'outright');
      await expectRevoked(store, true, ['epoch'], 'by epoch');
      await pass(1_100);
      await expectRevoked(store, false, ['short', 'epoch'], 'both have ended');
      await expectRevoked(store, true, ['long'], 'the longer one stands');
    }),
    one('a shorter entry never shortens a longer one', async (store, { pass }) => {
      await store.revoke({ key: 'a', ttl: LONG });
      await store.revoke({ key: 'a', ttl: 1 });
      await store.revoke({ key: 'b', issuedBefore: ISSUED + 1, ttl: LONG });
      await store.revoke({ key: 'b', issuedBefore: ISSUED, ttl: 1 });
      await pass(100);
      await expectRevoked(store, true, ['a'], 'outright');
      await expectRevoked(store, true, ['b'], 'by epoch');
    }),
    one(
      'what is revoked outright and by epoch ends each at its own time',
      async (store, { pass }) => {
        await store.revoke({ key: 'a', ttl: 1_000 });
        await store.revoke({ key: 'a', issuedBefore: ISSUED, ttl: LONG });
        await expectRevoked(store, true, ['a'], 'outright', ISSUED + 1);
        await pass(1_100);
        await expectRevoked(store, false, ['a'], 'no longer outright', ISSUED + 1);
        await expectRevoked(store, true, ['a'], 'still by epoch', ISSUED - 1);
      },
    ),
    one('an entry may last for ever', async (store, { pass }) => {
      await store.revoke({ key: 'a', ttl: Number.POSITIVE_INFINITY });
      await store.revoke({ key: 'a', ttl: 1 });
      await pass(100);
      await expectRevoked(store, true, ['a'], 'for ever');
    }),
    one('lifting forgets what is revoked outright, and leaves epochs alone', async (store) => {
      await store.revoke({ key: 'a', ttl: LONG });
      await store.revoke({ key: 'a', issuedBefore: ISSUED, ttl: LONG });
      await store.revoke({ key: 'b', ttl: LONG });
      await store.lift('a');
      await store.lift('unknown');
      await expectRevoked(store, false, ['a'], 'lifted', ISSUED + 1);
      await expectRevoked(store, true, ['a'], 'before the epoch', ISSUED - 1);
      await expectRevoked(store, true, ['b'], 'another');
    }),
    one('of many revocations at the same moment none is lost', async (store) => {
      const keys = Array.from({ length: 40 }, (_, index) => `key${index}`);
      await Promise.all(keys.map(async (key) => store.revoke({ key, ttl: LONG })));
      for (const key of keys) await expectRevoked(store, true, [key], key);
    }),
    one('keys that differ stay different', async (store) => {
      for (const key of hostileKeys) {
        await expectRevoked(store, false, [key], `not yet: ${told(key)}`);
        await store.revoke({ key, ttl: LONG });
        await expectRevoked(store, true, [key], `revoked: ${told(key)}`);
      }
    }),
  ]);

function told(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
