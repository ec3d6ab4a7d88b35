import { ConfigurationError, type TotpRecord } from '@apisec/core';
import { totpStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { memoryTotpStore } from './memory-totp-store.ts';

describe('keeps the contract of stores of second factors', () => {
  for (const { name, run } of totpStoreContract) test(name, () => run(memoryTotpStore()));
});

const record: TotpRecord = {
  account: 'a',
  secret: { key: 'v1', iv: '', text: '' },
  algorithm: 'SHA-1',
  digits: 6,
  period: 30,
  confirmed: true,
  lastStep: 1,
  failures: 0,
  lockedUntil: 0,
  backupCodes: [],
  version: 'v1',
};

test('a full store adds nobody, forgets nobody, and finds room again', () => {
  const store = memoryTotpStore({ maxAccounts: 1 });
  expect(store.insert(record)).toBe(true);
  expect(() => store.insert({ ...record, account: 'b' })).toThrow('full');
  expect(store.replace({ ...record, version: 'v2' }, 'v1')).toBe(true);
  expect(store.remove('a')).toBe(true);
  expect(store.insert({ ...record, account: 'b' })).toBe(true);
});

test('stored records do not change with the object that was passed in', () => {
  const store = memoryTotpStore();
  const own = { ...record };
  void store.insert(own);
  own.lastStep = 99;
  expect(store.get('a')).toMatchObject({ lastStep: 1 });
});

test.each([0, -1, 1.5, Number.NaN])(
  'cannot be constructed with room for %d accounts',
  (maxAccounts) => {
    expect(() => memoryTotpStore({ maxAccounts })).toThrow(ConfigurationError);
  },
);
