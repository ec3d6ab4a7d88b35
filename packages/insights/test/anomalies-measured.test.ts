import { expect, test } from 'vitest';
import { HELD_BACK, measure } from './simulation.ts';

test('nine in ten attacks that nobody tuned for are found, with at most one false alarm in 10,000 caller days', () => {
  const { recall, falseAlarms, callerDays } = measure(HELD_BACK);
  expect(callerDays).toBeGreaterThan(9_000);
  expect(recall).toBeGreaterThanOrEqual(0.9);
  expect(falseAlarms).toBeLessThanOrEqual(1);
}, 300_000);
