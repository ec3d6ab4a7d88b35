import { ConfigurationError } from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { eventLoopDelay } from './event-loop-delay.ts';

function measured() {
  const clock = { time: 1_700_000_000_000 };
  const histogram = {
    mean: Number.NaN,
    resets: 0,
    enable: () => true,
    reset: () => void histogram.resets++,
  };
  const pressure = eventLoopDelay({
    limit: 100,
    interval: 1_000,
    now: () => clock.time,
    histogram,
  });
  return { clock, histogram, pressure };
}

describe('tells the mean of the last whole interval', () => {
  test('as a share of the limit, without what the measuring itself takes', () => {
    const { clock, histogram, pressure } = measured();
    histogram.mean = 60e6;
    clock.time += 999;
    expect(pressure()).toBe(0);
    clock.time += 1;
    expect(pressure()).toBe(0.5);
    histogram.mean = 210e6;
    expect(pressure()).toBe(0.5);
    clock.time += 1_000;
    expect(pressure()).toBe(2);
    expect(histogram.resets).toBe(2);
  });

  test('and nothing where nothing was measured, or the loop is on time', () => {
    const { clock, histogram, pressure } = measured();
    for (const mean of [Number.NaN, 0, 10e6, 9e6]) {
      histogram.mean = mean;
      clock.time += 1_000;
      expect(pressure()).toBe(0);
    }
  });

  test('also where the clock was set back', () => {
    const { clock, histogram, pressure } = measured();
    histogram.mean = 110e6;
    clock.time -= 3_600_000;
    expect(pressure()).toBe(1);
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
