import { memoryCounterStore } from '@apisec/core';
import { expect, test } from 'vitest';
import { memoryPasskeyStore, memoryTicketStore, memoryTotpStore } from '../src/index.ts';
import { accountRaces } from './account-races.ts';

const stores = {
  tickets: memoryTicketStore(),
  totp: memoryTotpStore(),
  passkeys: memoryPasskeyStore(),
  counters: memoryCounterStore(),
};

test.each(accountRaces)('at the same moment, in memory: $name', async ({ run }) => {
  const { won, may } = await run(stores);
  expect(won).toBe(may);
});
