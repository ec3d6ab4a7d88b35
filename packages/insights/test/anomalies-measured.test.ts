import { expect, test } from 'vitest';
import { HELD_BACK, measure } from './simulation.ts';

test('of attacks that nobody tuned for nine in ten are found, with at most one false alarm in ten thousand days of callers', () => {
  const { recall, falseAlarms, callerDays } = measure(HELD_BACK);
  expect(callerDays).toBeGreaterThan(9_000);
  expect(recall).toBeGreaterThanOrEqual(0.9);
  expect(falseAlarms).toBeLessThanOrEqual(1);
}, 300_000);
