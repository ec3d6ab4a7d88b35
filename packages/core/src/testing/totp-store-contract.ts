import type { TotpRecord, TotpStore } from '../contracts/totp-store.ts';
import { assertSame, assertThat, type ContractCase, hostileKeys } from './contract-case.ts';

const AT_ONCE = 24;

/**
 * What every `TotpStore` promises, as cases for any test runner. They take a store, which may hold other accounts;
 * races are only seen with one that has several connections.
 *
 * @example
 * for (const { name, run } of totpStoreContract) test(name, () => run(store));
 */
export const totpStoreContract: readonly ContractCase<TotpStore>[] = Object.freeze([
  {
    name: 'a record comes back as it went in, and is gone when it is removed',
    run: async (store) => {
      const record = recordOf(unique());
      assertSame(await store.get(record.account), undefined, 'before');
      assertSame(await store.insert(record), true, 'insert');
      assertEqual(await store.get(record.account), record);
      assertSame(await store.remove(record.account), true, 'remove');
      assertSame(await store.get(record.account), undefined, 'after');
      assertSame(await store.remove(record.account), false, 'remove again');
    },
  },
  {
    name: 'a clock that it has shows epoch milliseconds, and goes on',
    run: async (store) => {
      if (store.now === undefined) return;
      const first = await store.now();
      // After 2020, and before anybody who reads this.
      assertThat(first > 1_577_836_800_000 && first < 32_503_680_000_000, 'epoch milliseconds');
      assertThat((await store.now()) >= first, 'it should not go back');
    },
  },
  {
    name: 'an account is added once',
    run: async (store) => {
      const record = recordOf(unique());
      assertSame(await store.insert(record), true, 'first');
      assertSame(await store.insert({ ...record, version: 'other' }), false, 'second');
      assertEqual(await store.get(record.account), record);
    },
  },
  {
    name: 'a record is replaced only where its version is the expected one',
    run: async (store) => {
      const record = recordOf(unique());
      await store.insert(record);
      const next = { ...record, version: 'v2', confirmed: true, lastStep: 7, backupCodes: [] };
      assertSame(await store.replace(next, 'v0'), false, 'another version');
      assertEqual(await store.get(record.account), record);
      assertSame(await store.replace(next, record.version), true, 'the expected one');
      assertEqual(await store.get(record.account), next);
      assertSame(await store.replace(record, record.version), false, 'the one before');
    },
  },
  {
    name: 'nothing is replaced where nothing is',
    run: async (store) => {
      const record = recordOf(unique());
      assertSame(await store.replace(record, record.version), false, 'replace');
      assertSame(await store.get(record.account), undefined, 'get');
    },
  },
  {
    name: 'of many changes at the same moment exactly one is made',
    run: async (store) => {
      const record = recordOf(unique());
      await store.insert(record);
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, index) =>
          store.replace({ ...record, lastStep: index, version: `next-${index}` }, record.version),
        ),
      );
      assertSame(answers.filter((answer) => answer === true).length, 1, 'changed');
      const winner = answers.indexOf(true);
      assertSame((await store.get(record.account))?.lastStep, winner, 'what the winner wrote');
    },
  },
  {
    name: 'of many that add an account at the same moment exactly one does',
    run: async (store) => {
      const record = recordOf(unique());
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async () => store.insert(record)),
      );
      assertSame(answers.filter((answer) => answer === true).length, 1, 'added');
    },
  },
  {
    name: 'accounts that differ stay different',
    run: async (store) => {
      const prefix = unique();
      // No account is longer than this, and lone surrogates are denied before a store is asked.
      const accounts = hostileKeys
        .filter((key) => key.length <= 200 && !/\p{Surrogate}|\0/u.test(key))
        .map((key) => `${prefix}${key}`);
      for (const account of accounts)
        assertSame(await store.insert(recordOf(account)), true, account);
      for (const account of accounts) {
        assertSame((await store.get(account))?.account, account, account);
      }
    },
  },
]);

function recordOf(account: string): TotpRecord {
  return {
    account,
    secret: { key: 'v1', iv: 'aXYtaXYtaXYt', text: 'c2VhbGVk' },
    algorithm: 'SHA-1',
    digits: 6,
    period: 30,
    confirmed: false,
    lastStep: -1,
    failures: 3,
    lockedUntil: 1_700_000_000_000,
    backupCodes: [
      { hash: 'ab'.repeat(32), pepper: 'v1' },
      { hash: 'cd'.repeat(32), pepper: 'v2' },
    ],
    version: 'v1',
  };
}

function unique(): string {
  return `contract-${crypto.randomUUID()}`;
}

function assertEqual(actual: unknown, expected: unknown): void {
  const [one, other] = [sorted(actual), sorted(expected)];
  assertThat(one === other, `expected ${other}, got ${one}`);
}

/** As JSON, whatever the order of the members. */
function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
