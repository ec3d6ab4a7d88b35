import { afterEach, describe, expect, test, vi } from 'vitest';
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

test('a full store denies, and finds room again when leases have ended', () => {
  let time = START;
  const store = memoryLeaseStore({ capacity: 3, now: () => time });
  const ask = (key: string) => store.acquire({ name: 'a', key, limit: 5, ttl: 10_000 });
  for (const key of ['a', 'b', 'c']) expect(ask(key).allowed).toBe(true);
  expect(ask('d').allowed).toBe(false);
  time += 10_000;
  expect(ask('d').allowed).toBe(true);
});

describe('a denial at the limit', () => {
  const START_TTL = 10_000;
  let time = START;
  const fill = (count: number) => {
    time = START;
    const store = memoryLeaseStore({ now: () => time });
    const ask = (ttl = START_TTL) => store.acquire({ name: 'a', key: 'k', limit: count, ttl });
    for (let call = 0; call < count; call++) {
      expect(ask().remaining).toBe(count - call - 1);
      time++;
    }
    return { store, ask };
  };
  const looks = () => vi.spyOn(Map.prototype, Symbol.iterator);
  afterEach(() => vi.restoreAllMocks());

  test('looks through no leases before one of them can have ended', () => {
    const { ask } = fill(50);
    const looked = looks();
    for (let call = 0; call < 100; call++) expect(ask().allowed).toBe(false);
    expect(looked).not.toHaveBeenCalled();
    time = START + START_TTL;
    expect([ask().allowed, ask().allowed]).toEqual([true, false]);
    expect(looked).toHaveBeenCalledTimes(1);
  });

  test('looks once where the lease that was to end first was given back', () => {
    const { store, ask } = fill(50);
    store.release({ name: 'a', key: 'k', limit: 50, ttl: START_TTL }, '1');
    expect(ask(2 * START_TTL).allowed).toBe(true);
    const looked = looks();
    time = START + START_TTL;
    for (let call = 0; call < 100; call++) expect(ask().allowed).toBe(false);
    expect(looked).toHaveBeenCalledTimes(1);
    time++;
    expect(ask().allowed).toBe(true);
  });

  test('finds the short lease behind a long one', () => {
    const { store, ask } = fill(2);
    for (const lease of ['1', '2']) {
      store.release({ name: 'a', key: 'k', limit: 2, ttl: START_TTL }, lease);
    }
    expect([ask(START_TTL).allowed, ask(10).allowed, ask().allowed]).toEqual([true, true, false]);
    time += 10;
    expect([ask(20).allowed, ask().allowed]).toEqual([true, false]);
    time += 20;
    expect([ask().allowed, ask().allowed]).toEqual([true, false]);
  });
});
