import { describe, expect, test } from 'vitest';
import type { ApiKeyRecord } from '../contracts/api-key-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { apiKeyStoreContract } from '../testing/api-key-store-contract.ts';
import { memoryApiKeyStore } from './memory-api-key-store.ts';

const record: ApiKeyRecord = {
  id: 'k1',
  namespace: 'acme_live',
  name: 'Billing',
  version: 0,
  generation: 0,
  owner: { type: 'user', id: 'u1' },
  secret: { hash: 'a', pepper: 'v1' },
  scopes: ['a'],
  status: 'enabled',
  createdAt: 0,
  updatedAt: 0,
};

describe('memoryApiKeyStore keeps the contract', () => {
  const store = memoryApiKeyStore();
  test.each(apiKeyStoreContract)('$name', ({ run }) => run(store));
});

describe('memoryApiKeyStore', () => {
  test('is full at its bound, and then adds nothing', () => {
    const store = memoryApiKeyStore({ maxKeys: 1 });
    expect(store.insert(record)).toBe(true);
    expect(store.insert({ ...record, id: 'k2' })).toBe(false);
    expect(store.get('k1')).toEqual(record);
  });

  test('rows cannot be changed through objects that went in or came out', async () => {
    const store = memoryApiKeyStore();
    const scopes = ['a'];
    await store.insert({ ...record, scopes });
    scopes.push('admin');
    const back = await store.get('k1');
    expect(back?.scopes).toEqual(['a']);
    const held = back?.scopes as string[];
    expect(() => held.push('admin')).toThrow(TypeError);
  });

  describe('quotas, by the clock of the caller', () => {
    const DAY = 86_400_000;
    const noon = 20_000 * DAY + DAY / 2;
    const end = noon + DAY / 2;
    const counting = () => {
      const store = memoryApiKeyStore();
      void store.insert(record);
      return (cost: number, now: number) =>
        store.consume('k1', [{ name: 'a', cost, limit: 10, window: DAY }], now);
    };

    test('start again when their window ends', () => {
      const take = counting();
      expect(take(10, noon)).toEqual({ ok: true, remaining: { a: 0 } });
      expect(take(1, end - 1)).toEqual({ ok: false, name: 'a', resetsAt: end });
      expect(take(1, end)).toEqual({ ok: true, remaining: { a: 9 } });
    });

    test('do not open the last window again for a clock that is late', () => {
      const take = counting();
      void take(6, end);
      expect(take(5, end - 1)).toEqual({ ok: false, name: 'a', resetsAt: end + DAY });
      expect(take(4, end)).toEqual({ ok: true, remaining: { a: 0 } });
    });

    test('are neither reset nor blocked by a clock that jumps a year ahead and back, again and again', () => {
      const take = counting();
      for (let used = 0; used < 10; used += 2) {
        expect(take(1, noon)).toMatchObject({ ok: true });
        expect(take(1, noon + 365 * DAY)).toMatchObject({ ok: true });
      }
      expect(take(1, noon)).toEqual({ ok: false, name: 'a', resetsAt: end });
    });
  });

  test.each([0, -1, 1.5, Number.NaN])('cannot be constructed with room for %d keys', (maxKeys) => {
    expect(() => memoryApiKeyStore({ maxKeys })).toThrow(ConfigurationError);
  });
});
