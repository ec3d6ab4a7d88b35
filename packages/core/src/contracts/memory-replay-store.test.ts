import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { replayStoreContract } from '../testing/replay-store-contract.ts';
import { memoryReplayStore } from './memory-replay-store.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of replay stores', () => {
  for (const { name, run } of replayStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryReplayStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

test('a full store rejects more rather than forget, and finds room again', () => {
  let time = START;
  const store = memoryReplayStore({ capacity: 3, now: () => time });
  for (const key of ['a', 'b', 'c']) expect(store.putIfAbsent(key, 10_000)).toBe(true);
  for (let flood = 0; flood < 1_000; flood++) {
    expect(() => store.putIfAbsent(`flood${flood}`, 10_000)).toThrow('full');
  }
  for (const key of ['a', 'b', 'c']) expect(store.putIfAbsent(key, 10_000)).toBe(false);
  time += 10_000;
  expect(store.putIfAbsent('d', 10_000)).toBe(true);
});

test('a full store finds the room behind a key that lives longer', () => {
  let time = START;
  const store = memoryReplayStore({ capacity: 3, now: () => time });
  store.putIfAbsent('long', 600_000);
  store.putIfAbsent('b', 1_000);
  store.putIfAbsent('c', 1_000);
  time += 2_000;
  expect(store.putIfAbsent('d', 1_000)).toBe(true);
  expect(store.putIfAbsent('long', 1_000)).toBe(false);
});

test('a clock that is set back makes nothing new', () => {
  let time = START;
  const store = memoryReplayStore({ now: () => time });
  store.putIfAbsent('a', 1_000);
  time -= 3_600_000;
  expect(store.putIfAbsent('a', 1_000)).toBe(false);
});

test.each([0, -1, Number.NaN])('a time of %d is a fault, not an open door', (ttl) => {
  expect(() => memoryReplayStore().putIfAbsent('a', ttl)).toThrow(RangeError);
});

test.each([0, -1, 1.5, Number.NaN])('cannot be constructed with room for %d keys', (capacity) => {
  expect(() => memoryReplayStore({ capacity })).toThrow(ConfigurationError);
});

test('answers like a plain map of ends, in any order of keys, times and waits', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    ttl: fc.integer({ min: 1, max: 3_000 }),
    wait: fc.integer({ min: 0, max: 1_500 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let time = START;
      const store = memoryReplayStore({ capacity: 5, now: () => time });
      const model = new Map<string, number>();
      for (const { key, ttl, wait } of steps) {
        time += wait;
        const fresh = (model.get(key) ?? 0) <= time;
        if (fresh) model.set(key, time + ttl);
        expect(store.putIfAbsent(key, ttl)).toBe(fresh);
      }
    }),
  );
});
