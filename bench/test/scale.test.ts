import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bound, excess } from '../scale/bounds.ts';
import { drawChart, fillIn, ROUNDING, results, table } from '../scale/report.ts';
import { MODES } from '../scale/simulate.ts';
import { LIMITS } from '../scale/world.ts';

const docs = `${import.meta.dirname}/../../docs/limits`;
const all = results();
const find = (algorithm: string, mode: string) => {
  const result = all.find((each) => each.algorithm === algorithm && each.mode === mode);
  if (result === undefined) throw new Error(`${algorithm} was not simulated in mode ${mode}`);
  return result;
};

describe.each(Object.keys(LIMITS))('%s', (algorithm) => {
  test.each(MODES)('%s: no key is admitted more than the mode says', (mode) => {
    for (const key of find(algorithm, mode).keys) {
      expect(key.excess).toBeLessThanOrEqual(key.bound + ROUNDING);
    }
  });

  test('without failures, and closed, the formula itself holds', () => {
    for (const mode of ['healthy', 'closed']) {
      for (const key of find(algorithm, mode).keys)
        expect(key.excess).toBeLessThanOrEqual(ROUNDING);
    }
  });

  test('while nothing fails, a caller who asks for more gets what the limit has', () => {
    const { limit, outcome } = find(algorithm, 'healthy');
    const most = outcome.admitted[0]?.length ?? 0;
    const asked = outcome.questions[0] ?? 0;
    const rate =
      limit.algorithm === 'bucket' ? limit.refill / limit.period : limit.capacity / limit.window;
    expect(most).toBeGreaterThanOrEqual(Math.min(asked, 0.95 * rate * 40_000));
  });
});

test('open admits more than closed may: the simulation would tell', () => {
  const { limit, keys } = find('tokenBucket', 'open');
  expect(keys[0]?.excess).toBeGreaterThan(bound(limit, 'closed', 0));
});

test('leases ask at least ten times less about a hot key within its limit', () => {
  const [leased, closed] = ['leased', 'closed'].map((mode) => find('tokenBucket, wide', mode));
  const asked = leased?.outcome.questions[0] ?? Number.NaN;
  expect(asked * 10).toBeLessThanOrEqual(closed?.outcome.questions[0] ?? 0);
});

test('units above a formula are found in whichever interval they are', () => {
  const { tokenBucket: bucket, fixedWindow: windowed } = LIMITS;
  if (bucket === undefined || windowed === undefined) throw new Error('no such limit');
  const even = Array.from({ length: 400 }, (_, index) => index * 50);
  expect(excess(bucket, even)).toBeLessThanOrEqual(0);
  const burst = Array.from({ length: 60 }, () => 9_000);
  expect(
    excess(
      bucket,
      [...even, ...burst].toSorted((a, b) => a - b),
    ),
  ).toBeGreaterThanOrEqual(20);
  expect(excess(windowed, [...Array.from({ length: 100 }, () => 4_999), 5_000])).toBe(0);
  expect(
    excess(
      windowed,
      Array.from({ length: 101 }, () => 4_999),
    ),
  ).toBe(1);
});

test('the page and the chart are what the simulation says: npm run bench scale', () => {
  const page = readFileSync(`${docs}/README.md`, 'utf8');
  expect(page).toBe(fillIn(page, table(all)));
  expect(readFileSync(`${docs}/admitted.svg`, 'utf8')).toBe(drawChart(all));
});
