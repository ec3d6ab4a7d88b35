import { ConfigurationError } from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { eventLoopDelay } from './event-loop-delay.ts';

function measured() {
  const clock = { time: 1_700_000_000_000 };
  const histogram = { mean: Number.NaN, stddev: Number.NaN, count: 0, enable: () => true };
  const pressure = eventLoopDelay({
    limit: '100ms',
    interval: '1s',
    now: () => clock.time,
    histogram,
  });
  const all: number[] = [];
  return {
    clock,
    pressure,
    /** Looks that found these many milliseconds since the one before. */
    look: (...delays: number[]) => {
      for (const delay of delays) all.push(delay * 1e6);
      const mean = all.reduce((sum, each) => sum + each, 0) / all.length;
      const squares = all.reduce((sum, each) => sum + (each - mean) ** 2, 0);
      Object.assign(histogram, { mean, stddev: Math.sqrt(squares / all.length) });
      histogram.count = all.length;
    },
  };
}

describe('reports the delay of the last whole interval', () => {
  test('as a share of the limit, without what the measuring itself takes', () => {
    const { clock, look, pressure } = measured();
    look(60, 60);
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

  test.each<[string, number[], number]>([
    ['800 ms of every 1,000', [810, ...Array(19).fill(10)], 6.48],
    ['400 ms of every 500', [410, 410, ...Array(18).fill(10)], 3.29],
    ['150 ms of every 200', [...Array(5).fill(160), ...Array(20).fill(10)], 1.2],
    ['90 ms of every 100', Array(10).fill(100), 0.9],
    ['20 ms once', [30, ...Array(97).fill(10)], 0.01],
  ])('by the time that it took, not by the looks that it hindered: %s', (_, delays, expected) => {
    const { clock, look, pressure } = measured();
    look(...delays);
    clock.time += 1_000;
    expect(pressure()).toBeCloseTo(expected, 1);
  });

  test('also after a long time of quiet', () => {
    const { clock, look, pressure } = measured();
    look(...Array(100_000).fill(10));
    clock.time += 1_000_000;
    expect(pressure()).toBeCloseTo(0);
    look(810, ...Array(19).fill(10));
    clock.time += 1_000;
    expect(pressure()).toBeCloseTo(6.48, 1);
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
  const pressure = eventLoopDelay({ limit: '5ms', interval: '1ms' });
  await vi.waitFor(() => {
    const until = performance.now() + 100;
    while (performance.now() < until);
    expect(pressure()).toBeGreaterThan(1);
  }, 20_000);
});

test('an event loop that is blocked most of the time, in long pieces, is seen', async () => {
  const pressure = eventLoopDelay({ limit: '100ms', interval: '400ms' });
  let highest = 0;
  for (let piece = 0; piece < 20 && highest < 1; piece++) {
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 50));
    highest = Math.max(highest, pressure());
  }
  expect(highest).toBeGreaterThan(1);
});

test.each([{ limit: '0s' }, { interval: '-1s' }, { limit: 100 }, { intervall: '1s' }])(
  '%j cannot be constructed',
  (options) => {
    expect(() => eventLoopDelay(options as never)).toThrow(ConfigurationError);
  },
);
