import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailureRule, failurePause } from '../contracts/counter-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { counterStoreContract } from '../testing/counter-store-contract.ts';
import { memoryCounterStore } from './memory-counter-store.ts';

const START = 1_700_000_000_000;
const rule: FailureRule = {
  free: 1,
  delay: 1_000,
  maxDelay: 8_000,
  lockAfter: 6,
  lockFor: 60_000,
  forgetAfter: 3_600_000,
};

describe('keeps the contract of counter stores', () => {
  for (const { name, run } of counterStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryCounterStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

describe('in fixed memory', () => {
  test('a flood of other keys never ends the pause of a key', () => {
    const store = memoryCounterStore({ capacity: 64, now: () => START, seed: () => [1, 2] });
    const locked = { ...rule, lockAfter: 3, free: 2 };
    const ask = (key: string) => store.attempt([{ name: 'a', key, rule: locked }]).allowed;
    for (let failure = 0; failure < 3; failure++) expect(ask('victim')).toBe(true);
    for (let other = 0; other < 20_000; other++) ask(`other ${other}`);
    expect(ask('victim')).toBe(false);
  });

  test('a flood of keys as bad as the one it wants to push out does not help either', () => {
    const store = memoryCounterStore({ capacity: 16, now: () => START, seed: () => [1, 2] });
    const ask = (key: string) =>
      store.attempt([{ name: 'a', key, rule: { ...rule, free: 2 } }]).allowed;
    for (let failure = 0; failure < 3; failure++) ask('victim');
    for (let other = 0; other < 500; other++) {
      for (let failure = 0; failure < 5; failure++) ask(`other ${other}`);
    }
    expect(ask('victim')).toBe(false);
  });

  test('a long flood of single failures does not lock newcomers out', () => {
    const store = memoryCounterStore({ capacity: 16, now: () => START, seed: () => [1, 2] });
    const ask = (key: string) =>
      store.attempt([{ name: 'a', key, rule: { ...rule, free: 3 } }]).allowed;
    for (let other = 0; other < 5_000; other++) expect(ask(`other ${other}`)).toBe(true);
    expect(ask('honest')).toBe(true);
    expect(ask('honest')).toBe(true);
  });

  test('a flood of peers that fail as often as they may locks no account', () => {
    let time = START;
    const store = memoryCounterStore({ capacity: 64, now: () => time, seed: () => [1, 2] });
    const accounts = { ...rule, free: 3, lockAfter: 10 };
    const peers = { ...rule, free: 20, lockAfter: 100 };
    for (let peer = 0; peer < 1_000; peer++, time++) {
      for (let failure = 0; failure < 20; failure++) {
        store.attempt([
          { name: 'peer', key: `${peer}`, rule: peers },
          { name: 'account', key: `${peer} ${failure}`, rule: accounts },
        ]);
      }
    }
    for (let honest = 0; honest < 500; honest++) {
      const request = { name: 'account', key: `honest ${honest}`, rule: accounts };
      for (let failure = 0; failure < 2; failure++) {
        expect(store.attempt([request])).toMatchObject({ allowed: true });
      }
    }
  });

  test('locks that have ended lock nobody, however many fail once afterwards', () => {
    let time = START;
    const store = memoryCounterStore({ capacity: 16, now: () => time, seed: () => [1, 2] });
    const request = (key: string) => ({ name: 'a', key, rule: { ...rule, free: 5 } });
    for (let other = 0; other < 200; other++) {
      for (let failure = 0; failure < 6; failure++) store.attempt([request(`locked ${other}`)]);
    }
    expect(store.attempt([request('newcomer')])).toMatchObject({ retryAfterMs: 60_000 });
    time += 60_000;
    for (let other = 0; other < 500; other++, time++) {
      expect(store.attempt([request(`other ${other}`)])).toMatchObject({ allowed: true });
      const honest = request(`honest ${other}`);
      const { allowed, tickets } = store.attempt([honest]);
      expect(allowed).toBe(true);
      store.reconcile([{ ...honest, ticket: tickets[0] as number, result: 'refund' }]);
      expect(store.attempt([honest])).toMatchObject({ allowed: true });
    }
  });

  test('an evicted key is forgotten in its time, however many keys with fewer failures follow', () => {
    let time = START;
    const store = memoryCounterStore({ capacity: 16, now: () => time, seed: () => [1, 2] });
    const request = (key: string) => ({ name: 'a', key, rule: { ...rule, free: 5 } });
    for (let other = 0; other < 200; other++) {
      for (let failure = 0; failure < 6; failure++) store.attempt([request(`bad ${other}`)]);
    }
    for (let other = 0; other < 600; other++, time += rule.forgetAfter / 500) {
      store.attempt([request(`once ${other}`)]);
    }
    for (let honest = 0; honest < 50; honest++) {
      for (let failure = 0; failure < 2; failure++) {
        expect(store.attempt([request(`honest ${honest}`)])).toMatchObject({ allowed: true });
      }
    }
  });

  test('keys that were forgotten make room for honest ones', () => {
    let time = START;
    const store = memoryCounterStore({ capacity: 16, now: () => time, seed: () => [1, 2] });
    const ask = (key: string) => store.attempt([{ name: 'a', key, rule }]).allowed;
    for (let other = 0; other < 500; other++) for (let n = 0; n < 3; n++) ask(`other ${other}`);
    time += rule.forgetAfter;
    for (let honest = 0; honest < 8; honest++) {
      expect(ask(`honest ${honest}`)).toBe(true);
      expect(ask(`honest ${honest}`)).toBe(true);
      expect(ask(`honest ${honest}`)).toBe(false);
    }
  });

  test('a clock that begins at nothing counts as well', () => {
    const store = memoryCounterStore({ now: () => 0 });
    const ask = () => store.attempt([{ name: 'a', key: 'k', rule }]);
    for (let failure = 0; failure < 2; failure++) expect(ask().allowed).toBe(true);
    expect(ask()).toMatchObject({ allowed: false, retryAfterMs: 1_000 });
  });

  test('a clock that is set back ends no pause', () => {
    let time = START;
    const store = memoryCounterStore({ now: () => time });
    const ask = () => store.attempt([{ name: 'a', key: 'k', rule }]);
    ask();
    ask();
    time -= 3_600_000;
    expect(ask()).toMatchObject({ allowed: false, retryAfterMs: 1_000 });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 25])('capacity %s cannot be constructed', (capacity) => {
    expect(() => memoryCounterStore({ capacity })).toThrow(ConfigurationError);
  });
});

test('an attempt is allowed exactly from the millisecond that the last denial named', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, (pauses) => {
      let time = START;
      const store = memoryCounterStore({ now: () => time });
      const ask = () => store.attempt([{ name: 'a', key: 'k', rule }]);
      let [failures, last] = [0, 0];
      for (const pause of pauses) {
        time += pause;
        const wait = failures === 0 ? 0 : Math.max(0, last + failurePause(rule, failures) - time);
        expect(ask().retryAfterMs).toBe(wait);
        if (wait > 0) {
          time += wait - 1;
          expect(ask()).toMatchObject({ allowed: false, retryAfterMs: 1 });
          time += 1;
          expect(ask().allowed).toBe(true);
        }
        failures++;
        last = time;
      }
    }),
  );
});
