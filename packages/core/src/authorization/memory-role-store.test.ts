import { describe, expect, test } from 'vitest';
import { roleStoreContract } from '../testing/role-store-contract.ts';
import { memoryRoleStore } from './memory-role-store.ts';

describe('memoryRoleStore', () => {
  for (const { name, run } of roleStoreContract) {
    test(name, () => run({ create: () => memoryRoleStore() }));
  }

  test('takes no more than its capacity, and forgets nobody for it', () => {
    const store = memoryRoleStore({ capacity: 1 });
    store.assign({ principal: 'alice', tenant: undefined, role: 'admin' });
    expect(() => store.assign({ principal: 'eve', tenant: undefined, role: 'admin' })).toThrow(
      'full',
    );
    expect(store.rolesOf({ principal: 'alice', tenant: undefined })).toEqual(['admin']);
    store.unassign({ principal: 'alice', tenant: undefined, role: 'admin' });
    store.assign({ principal: 'eve', tenant: undefined, role: 'admin' });
  });
});
