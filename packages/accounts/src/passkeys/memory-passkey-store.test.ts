import { ConfigurationError } from '@apisec/core';
import { passkeyStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { memoryPasskeyStore } from './memory-passkey-store.ts';

describe('passkeys in memory', () => {
  const store = memoryPasskeyStore();
  test.each(passkeyStoreContract)('$name', ({ run }) => run(store));

  test.each([0, 1.5, Number.NaN])('a capacity of %s cannot be constructed', (capacity) => {
    expect(() => memoryPasskeyStore({ capacity })).toThrow(ConfigurationError);
  });
});
