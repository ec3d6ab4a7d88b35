import { describe, expect, test } from 'vitest';
import { leaseStoreContract } from '../testing/lease-store-contract.ts';
import { memoryLeaseStore } from './memory-lease-store.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of lease stores', () => {
  for (const { name, run } of leaseStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryLeaseStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

test('a full store refuses, and finds room again when leases have ended', () => {
  let time = START;
  const store = memoryLeaseStore({ capacity: 3, now: () => time });
  const ask = (key: string) => store.acquire({ name: 'a', key, limit: 5, ttl: 10_000 });
  for (const key of ['a', 'b', 'c']) expect(ask(key).allowed).toBe(true);
  expect(ask('d').allowed).toBe(false);
  time += 10_000;
  expect(ask('d').allowed).toBe(true);
});
