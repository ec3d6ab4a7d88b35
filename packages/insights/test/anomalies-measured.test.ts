import { expect, test } from 'vitest';
import { measure } from './simulation.ts';

// Tuned on seeds 1 to 3, without the last two kinds of attack: neither this traffic nor they were looked at then.
test('of attacks that nobody tuned for nine in ten are found, with at most one false alarm in ten thousand days of callers', () => {
  const { recall, falseAlarms, callerDays } = measure({
    seed: 102,
    callers: 700,
    before: 7,
    judged: 15,
    attacks: [
      'stolen credential',
      'scraping',
      'enumeration',
      'guessing',
      'probing',
      'slow enumeration',
    ],
    each: 10,
  });
  expect(callerDays).toBeGreaterThan(9_000);
  expect(recall).toBeGreaterThanOrEqual(0.9);
  expect(falseAlarms).toBeLessThanOrEqual(1);
}, 300_000);
