import type { ReplayStore } from '../contracts/replay-store.ts';
import { assertSame, type ContractCase, hostileKeys, type StoreSubject } from './contract-case.ts';

type Case = ContractCase<StoreSubject<ReplayStore>>;

/** Long enough that no key ends before it should, on a store with a clock of its own. */
const LONG = 60_000;

function one(
  name: string,
  run: (store: ReplayStore, subject: StoreSubject<ReplayStore>) => Promise<void>,
): Case {
  return { name, run: async (subject) => run(await subject.create(), subject) };
}

/**
 * What every `ReplayStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of replayStoreContract) test(name, () => run({ create, pass }));
 */
export const replayStoreContract: readonly ContractCase<StoreSubject<ReplayStore>>[] =
  Object.freeze([
    one('a key is new once', async (store) => {
      assertSame(await store.putIfAbsent('key', LONG), true, 'first');
      for (let time = 0; time < 3; time++) {
        assertSame(await store.putIfAbsent('key', LONG), false, 'again');
      }
    }),
    one('of many equal keys at the same moment exactly one is new', async (store) => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, async () => store.putIfAbsent('key', LONG)),
      );
      assertSame(answers.filter((answer) => answer === true).length, 1, 'new');
      assertSame(answers.filter((answer) => answer === false).length, 39, 'known');
    }),
    one('a key is new again when its time has passed', async (store, { pass }) => {
      assertSame(await store.putIfAbsent('short', 1_000), true, 'first');
      assertSame(await store.putIfAbsent('long', LONG), true, 'another');
      assertSame(await store.putIfAbsent('short', 1_000), false, 'within its time');
      await pass(1_100);
      assertSame(await store.putIfAbsent('short', LONG), true, 'after its time');
      assertSame(await store.putIfAbsent('short', 1_000), false, 'and known again');
      assertSame(await store.putIfAbsent('long', LONG), false, 'the other is still known');
    }),
    one(
      'asking again neither lengthens nor shortens the time of a key',
      async (store, { pass }) => {
        await store.putIfAbsent('key', 1_000);
        await store.putIfAbsent('key', 1);
        await pass(100);
        assertSame(await store.putIfAbsent('key', LONG), false, 'not shortened');
        await pass(1_000);
        assertSame(await store.putIfAbsent('key', LONG), true, 'not lengthened');
      },
    ),
    one('a time with a fraction is no fault', async (store) => {
      assertSame(await store.putIfAbsent('key', 59_999.4), true, 'first');
      assertSame(await store.putIfAbsent('key', 59_999.4), false, 'again');
      assertSame(typeof (await store.putIfAbsent('tiny', 0.25)), 'boolean', 'less than one');
    }),
    one('keys that differ stay different', async (store) => {
      for (const key of hostileKeys) {
        assertSame(await store.putIfAbsent(key, LONG), true, `new: ${told(key)}`);
      }
      for (const key of hostileKeys) {
        assertSame(await store.putIfAbsent(key, LONG), false, `known: ${told(key)}`);
      }
    }),
  ]);

function told(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
