import { ConfigurationError, type TicketRecord } from '@apisec/core';
import { ticketStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { memoryTicketStore } from './memory-ticket-store.ts';

describe('tickets in memory', () => {
  test.each(ticketStoreContract)('$name', async ({ run }) => {
    const clock = { time: 1_700_000_000_000 };
    const now = () => clock.time;
    await run({
      create: () => memoryTicketStore({ now }),
      pass: (milliseconds) => {
        clock.time += milliseconds;
      },
      now,
    });
  });

  const ticket = (id: string, expiresAt: number): TicketRecord => ({
    id,
    purpose: 'p',
    data: {},
    createdAt: 0,
    expiresAt,
  });

  test('a full store takes no more until something has expired', async () => {
    let time = 0;
    const store = memoryTicketStore({ capacity: 2, now: () => time });
    await store.insert(ticket('a', 2_000));
    await store.insert(ticket('b', 9_000));
    expect(() => store.insert(ticket('c', 9_000))).toThrow('full');
    time = 2_000;
    expect(store.insert(ticket('c', 9_000))).toBe(true);
    expect(store.read('b')).toBeDefined();
  });

  test('are not changed by changing the object that was passed in', async () => {
    const store = memoryTicketStore({ now: () => 0 });
    const data = { attempts: 1 };
    await store.insert({ ...ticket('a', 10), data });
    data.attempts = 0;
    expect((store.read('a') as TicketRecord).data).toEqual({ attempts: 1 });
  });

  test.each([0, -1, 1.5, Number.NaN])('a capacity of %s cannot be constructed', (capacity) => {
    expect(() => memoryTicketStore({ capacity })).toThrow(ConfigurationError);
  });
});
