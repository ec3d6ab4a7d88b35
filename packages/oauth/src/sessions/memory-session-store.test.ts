import { sessionStoreContract } from '@apisec/core/testing';
import { expect, test } from 'vitest';
import { memorySessionStore } from './memory-session-store.ts';

test.each(sessionStoreContract)('$name', async ({ run }) => {
  const clock = { time: 1_700_000_000_000 };
  await run({
    create: () => memorySessionStore({ now: () => clock.time }),
    pass: (milliseconds) => {
      clock.time += milliseconds;
    },
    now: () => clock.time,
  });
});

test('a full store takes no session more, and forgets none before its end', async () => {
  const clock = { time: 1_700_000_000_000 };
  const store = memorySessionStore({ capacity: 2, now: () => clock.time });
  const session = (id: string) => ({
    id,
    version: 1,
    issuer: 'https://id.example.com',
    subject: 'alice',
    clientId: 'shop',
    claims: {},
    createdAt: clock.time,
    seenAt: clock.time,
    idleUntil: clock.time + 10_000,
    expiresAt: clock.time + 10_000,
  });
  expect(await store.create(session('a'))).toBe(true);
  expect(await store.create(session('b'))).toBe(true);
  expect(() => store.create(session('c'))).toThrow('full');
  expect(await store.read('a')).toBeDefined();
  clock.time += 11_000;
  expect(await store.create(session('c'))).toBe(true);
});
