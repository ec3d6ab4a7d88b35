import type { TotpStore } from '@apisec/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { memoryTotpStore } from './memory-totp-store.ts';
import { oneTimeCodes } from './one-time-code.ts';
import { totp } from './totp.ts';

// Processes whose clocks differ, on one store that has a clock: codes and locks go by that one.

/** In the middle of a step. */
const START = 1_700_000_025_000;
const HOUR = 3_600_000;
const secret = Buffer.from('6aa19fdb6bedc271ea34ae05c34c8f6780e4c8a8', 'hex');
const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const clock = { time: START };

const clocked = (now: TotpStore['now']): TotpStore => ({ ...memoryTotpStore(), now });
const codeAt = async (time: number): Promise<string> => {
  const codes = await oneTimeCodes(secret, { algorithm: 'SHA-1', digits: 6 });
  return codes(Math.floor(time / 30_000));
};
const wrong = async (time: number): Promise<string> => {
  const right = await Promise.all([-1, 0, 1].map((step) => codeAt(time + step * 30_000)));
  return ['000000', '111111', '222222', '333333'].find((each) => !right.includes(each)) ?? '';
};

/** The process whose clock is off by so much, as if it were alone. */
function processOff(off: number, store: TotpStore) {
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => clock.time + off);
  onTestFinished(() => {
    spy.mockRestore();
  });
  return totp({ issuer: 'Acme', store, sealingKeys });
}

test.each([
  ['half a minute behind', -30_000],
  ['an hour ahead', HOUR],
  ['a year behind', -365 * 24 * HOUR],
])('a process that is %s takes the code of now, once', async (_, off) => {
  clock.time = START;
  const store = clocked(async () => clock.time);
  const factors = processOff(off, store);
  await factors.importSecret('alice', { secret });
  // What it showed by the wrong clock is of no use.
  const stale = await codeAt(START + (off === -30_000 ? -2 * HOUR : off));
  expect(await factors.verify('alice', stale)).toMatchObject({ denial: { code: 'totp.invalid' } });
  expect(await factors.verify('alice', await codeAt(START))).toMatchObject({ ok: true });
  const again = processOff(0, store);
  expect(await again.verify('alice', await codeAt(START))).toMatchObject({
    denial: { code: 'totp.reused' },
  });
});

test('a lock that a process wrote that is a year ahead ends as one of its own does', async () => {
  clock.time = START;
  const store = clocked(() => clock.time);
  const ahead = processOff(365 * 24 * HOUR, store);
  await ahead.importSecret('alice', { secret });
  for (let tried = 0; tried < 5; tried++) await ahead.verify('alice', await wrong(START));
  const right = processOff(0, store);
  expect(await right.verify('alice', await codeAt(START))).toMatchObject({
    denial: { code: 'totp.locked' },
  });
  expect((await right.status('alice')).lockedUntil).toBe(START + 5 * 60_000);
  clock.time = START + 5 * 60_000;
  expect(await right.verify('alice', await codeAt(clock.time))).toMatchObject({ ok: true });
});

test.each<[string, TotpStore['now']]>([
  ['rejects', () => Promise.reject(new Error('away'))],
  ['answers nonsense', () => Number.NaN],
])('a clock that %s makes codes unavailable', async (_, now) => {
  const factors = processOff(0, clocked(now));
  await factors.importSecret('alice', { secret });
  const answer = await factors.verify('alice', await codeAt(START));
  expect(answer).toMatchObject({ denial: { code: 'totp.unavailable' } });
});
