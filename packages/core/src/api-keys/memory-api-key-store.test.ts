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

  test('what goes in and what comes out cannot be changed', async () => {
    const store = memoryApiKeyStore();
    const scopes = ['a'];
    await store.insert({ ...record, scopes });
    scopes.push('admin');
    const back = await store.get('k1');
    expect(back?.scopes).toEqual(['a']);
    const held = back?.scopes as string[];
    expect(() => held.push('admin')).toThrow(TypeError);
  });

  test.each([0, -1, 1.5, Number.NaN])('denies to hold %d keys', (maxKeys) => {
    expect(() => memoryApiKeyStore({ maxKeys })).toThrow(ConfigurationError);
  });
});
