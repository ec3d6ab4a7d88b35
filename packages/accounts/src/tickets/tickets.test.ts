import type { TicketStore } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { memoryTicketStore } from './memory-ticket-store.ts';
import { tickets } from './tickets.ts';

const times = { timeout: 5_000, now: () => 1_000 };
const content = { subject: 'alice', data: {}, expiresAt: 10_000 };

/** As over a network: whoever else has asked is answered in between. */
function late(store: TicketStore): TicketStore {
  const after = async <T>(answer: () => T): Promise<Awaited<T>> => {
    await new Promise(setImmediate);
    return await answer();
  };
  return {
    insert: (ticket) => after(() => store.insert(ticket)),
    read: (id) => after(() => store.read(id)),
    take: (id) => after(() => store.take(id)),
    removeBySubject: (purpose, subject) => after(() => store.removeBySubject(purpose, subject)),
  };
}

describe('the number of tickets of one subject', () => {
  test('are no more for that many come at the same moment', async () => {
    const store = memoryTicketStore({ now: times.now });
    const some = tickets(late(store), 'device', times);
    const issued = await Promise.all(
      Array.from({ length: 30 }, () => some.issueWithin(content, 5)),
    );
    const handed = issued.flatMap((each) => each?.ticket ?? []);
    const found = await Promise.all(handed.map((ticket) => some.read(ticket)));
    const good = found.filter((each) => each !== undefined).length;
    expect(good).toBeGreaterThan(0);
    expect(good).toBeLessThanOrEqual(5);
    // Nor are there any that nobody can use: what is kept is these, and as many places.
    expect(store.removeBySubject('device', 'alice')).toBe(good);
    expect(store.removeBySubject('device.place', 'alice')).toBeLessThanOrEqual(5);
  });

  test('leave those of others alone', async () => {
    const some = tickets(memoryTicketStore({ now: times.now }), 'device', times);
    const other = await some.issueWithin({ ...content, subject: 'bob' }, 1);
    const first = await some.issueWithin(content, 1);
    const second = await some.issueWithin(content, 1);
    const found = await Promise.all(
      [other, first, second].map((each) => some.read(each?.ticket ?? '')),
    );
    expect(found.map((each) => each?.subject)).toEqual(['bob', undefined, 'alice']);
  });
});
