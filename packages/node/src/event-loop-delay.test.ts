import { ConfigurationError } from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { eventLoopDelay } from './event-loop-delay.ts';

function measured() {
  const clock = { time: 1_700_000_000_000 };
  const histogram = { mean: Number.NaN, count: 0, enable: () => true };
  const pressure = eventLoopDelay({
    limit: 100,
    interval: 1_000,
    now: () => clock.time,
    histogram,
  });
  let sum = 0;
  return {
    clock,
    pressure,
    /** Looks that found these many milliseconds since the one before. */
    look: (...delays: number[]) => {
      for (const delay of delays) sum += delay * 1e6;
      histogram.count += delays.length;
      histogram.mean = sum / histogram.count;
    },
  };
}

describe('tells the mean of the last whole interval', () => {
  test('as a share of the limit, without what the measuring itself takes', () => {
    const { clock, look, pressure } = measured();
    look(40, 80);
    clock.time += 999;
    expect(pressure()).toBe(0);
    clock.time += 1;
    expect(pressure()).toBeCloseTo(0.5);
    look(210);
    expect(pressure()).toBeCloseTo(0.5);
    clock.time += 1_000;
    expect(pressure()).toBeCloseTo(2);
    look(10, 10, 10);
    clock.time += 1_000;
    expect(pressure()).toBeCloseTo(0);
  });

  test('and all of it where the loop did not come to look', () => {
    const { clock, look, pressure } = measured();
    look(10);
    clock.time += 5_010;
    expect(pressure()).toBeCloseTo(0);
    clock.time += 5_010;
    expect(pressure()).toBeCloseTo(50);
  });

  test('never less than nothing, also where the clock was set back', () => {
    const { clock, look, pressure } = measured();
    look(9, 10);
    clock.time += 1_000;
    expect(pressure()).toBe(0);
    clock.time -= 3_600_000;
    expect(pressure()).toBe(0);
    look(110);
    clock.time += 1_000;
    expect(pressure()).toBeCloseTo(1);
  });
});

test('an event loop that is blocked is seen', async () => {
  const pressure = eventLoopDelay({ limit: 5, interval: 1 });
  await vi.waitFor(() => {
    const until = performance.now() + 100;
    while (performance.now() < until);
    expect(pressure()).toBeGreaterThan(1);
  });
});

test.each([
  { limit: 0 },
  { interval: -1 },
  { limit: Number.NaN },
  { interval: Number.POSITIVE_INFINITY },
])('%j refuses to construct', (options) => {
  expect(() => eventLoopDelay(options)).toThrow(ConfigurationError);
});
