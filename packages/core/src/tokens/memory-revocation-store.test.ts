import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { revocationStoreContract } from '../testing/revocation-store-contract.ts';
import { memoryRevocationStore } from './memory-revocation-store.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of revocation stores', () => {
  for (const { name, run } of revocationStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryRevocationStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

test('a full store rejects more rather than forget, and finds room again', () => {
  let time = START;
  const store = memoryRevocationStore({ capacity: 3, now: () => time });
  store.revoke({ key: 'a', ttl: 600_000 });
  for (const key of ['b', 'c']) store.revoke({ key, ttl: 10_000 });
  for (let flood = 0; flood < 1_000; flood++) {
    expect(() => store.revoke({ key: `flood${flood}`, ttl: 10_000 })).toThrow('full');
  }
  for (const key of ['a', 'b', 'c']) expect(store.isRevoked([key], START)).toBe(true);
  // What is there already needs no room.
  store.revoke({ key: 'a', issuedBefore: START, ttl: 10_000 });
  time += 10_000;
  store.revoke({ key: 'd', ttl: 10_000 });
  expect(store.isRevoked(['d'], START)).toBe(true);
  expect(store.isRevoked(['a'], START)).toBe(true);
});

test('an epoch that has ended does not come back with an older one', () => {
  let time = START;
  const store = memoryRevocationStore({ now: () => time });
  store.revoke({ key: 'a', issuedBefore: START, ttl: 1_000 });
  time += 2_000;
  store.revoke({ key: 'a', issuedBefore: START - 60_000, ttl: 1_000 });
  expect(store.isRevoked(['a'], START - 30_000)).toBe(false);
  expect(store.isRevoked(['a'], START - 60_001)).toBe(true);
});

test('a clock that is set back makes nothing valid again', () => {
  let time = START;
  const store = memoryRevocationStore({ now: () => time });
  store.revoke({ key: 'a', ttl: 1_000 });
  time -= 3_600_000;
  expect(store.isRevoked(['a'], START)).toBe(true);
});

test('a time of issue that is no number is before every epoch', () => {
  const store = memoryRevocationStore({ now: () => START });
  store.revoke({ key: 'a', issuedBefore: 1, ttl: 1_000 });
  expect(store.isRevoked(['a'], Number.NaN)).toBe(true);
});

test.each([0, -1, Number.NaN])('a time of %d is a fault, not an open door', (ttl) => {
  expect(() => memoryRevocationStore().revoke({ key: 'a', ttl })).toThrow(RangeError);
});

test('an epoch that is no number is a fault', () => {
  const store = memoryRevocationStore();
  expect(() => store.revoke({ key: 'a', issuedBefore: Number.NaN, ttl: 1 })).toThrow(RangeError);
});

test.each([0, -1, 1.5, Number.NaN])('cannot be constructed with room for %d keys', (capacity) => {
  expect(() => memoryRevocationStore({ capacity })).toThrow(ConfigurationError);
});

test('whatever is revoked in whatever order, it says what a list of all entries would', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b'),
    issuedBefore: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
    ttl: fc.constant(1_000),
  });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 0, max: 60 }), (steps, issuedAt) => {
      const store = memoryRevocationStore({ now: () => START });
      for (const entry of steps) store.revoke(entry);
      for (const key of ['a', 'b']) {
        const expected = steps.some(
          (entry) => entry.key === key && issuedAt < (entry.issuedBefore ?? Infinity),
        );
        expect(store.isRevoked([key], issuedAt)).toBe(expected);
      }
    }),
  );
});
