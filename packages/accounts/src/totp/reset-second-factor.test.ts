import { ConfigurationError, type TotpRecord, type TotpStore } from '@apisec/core';
import { expect, test } from 'vitest';
import { memoryTotpStore } from './memory-totp-store.ts';
import { resetSecondFactor } from './reset-second-factor.ts';

const locked: TotpRecord = {
  account: 'alice',
  secret: { key: 'v1', iv: 'aaaa', text: 'bbbb' },
  algorithm: 'SHA-1',
  digits: 6,
  period: 30,
  confirmed: true,
  lastStep: 7,
  failures: 5,
  lockedUntil: 9_000_000_000_000,
  backupCodes: [{ hash: 'c', pepper: 'v1' }],
  version: 'one',
};

async function stored(): Promise<TotpStore> {
  const store = memoryTotpStore();
  await store.insert(locked);
  await store.insert({ ...locked, account: 'bob' });
  return store;
}

test('ends a lock and nothing else: used codes stay used, other accounts stay locked', async () => {
  const store = await stored();
  const acts: unknown[] = [];
  const record = (act: unknown) => acts.push(act);
  expect(await resetSecondFactor({ store, account: 'alice', what: 'lock', record })).toBe(true);
  const { version, ...rest } = (await store.get('alice')) as TotpRecord;
  expect(version).not.toBe('one');
  expect({ ...rest, version: 'one' }).toEqual({ ...locked, failures: 0, lockedUntil: 0 });
  expect((await store.get('bob'))?.failures).toBe(5);
  expect(acts).toEqual([{ act: 'lock.lifted', target: { type: 'account', id: 'alice' } }]);
});

test('ends a factor', async () => {
  const store = await stored();
  const acts: unknown[] = [];
  const record = (act: unknown) => acts.push(act);
  expect(await resetSecondFactor({ store, account: 'alice', what: 'factor', record })).toBe(true);
  expect(await store.get('alice')).toBeUndefined();
  expect(await store.get('bob')).toBeDefined();
  expect(acts).toEqual([{ act: 'factor.reset', target: { type: 'account', id: 'alice' } }]);
});

test.each(['lock', 'factor'] as const)(
  'records nothing where there is no factor (%s)',
  async (what) => {
    const acts: unknown[] = [];
    const record = (act: unknown) => acts.push(act);
    const store = await stored();
    expect(await resetSecondFactor({ store, account: 'carol', what, record })).toBe(false);
    expect(acts).toEqual([]);
  },
);

test('is not lost to a change at the same moment, and takes none back', async () => {
  const store = await stored();
  let changes = 0;
  const busy: TotpStore = {
    ...store,
    replace: async (next, expected) => {
      if (changes++ < 3) {
        const known = (await store.get('alice')) as TotpRecord;
        await store.replace(
          { ...known, lastStep: known.lastStep + 1, version: `b${changes}` },
          known.version,
        );
      }
      return store.replace(next, expected);
    },
  };
  await resetSecondFactor({ store: busy, account: 'alice', what: 'lock' });
  expect(await store.get('alice')).toMatchObject({ failures: 0, lockedUntil: 0, lastStep: 10 });
});

test('rejects where a factor keeps changing, or the store fails', async () => {
  const store = await stored();
  const record = () => expect.unreachable();
  const options = { account: 'alice', what: 'lock', record } as const;
  const busy = { ...store, replace: () => false };
  await expect(resetSecondFactor({ ...options, store: busy })).rejects.toThrow('kept changing');
  const broken = { ...store, get: () => Promise.reject(new Error('away')) };
  await expect(resetSecondFactor({ ...options, store: broken })).rejects.toThrow('away');
});

test.each<[string, object]>([
  ['no store', { store: undefined }],
  ['no account', { account: '' }],
  ['another thing', { what: 'everything' }],
  ['an unknown option', { tenant: 't' }],
])('throws for %s', async (_name, wrong) => {
  const options = { store: await stored(), account: 'alice', what: 'lock', ...wrong };
  await expect(resetSecondFactor(options as never)).rejects.toThrow(ConfigurationError);
});
