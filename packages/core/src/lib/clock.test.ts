import { stat } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { steadyClock, withinTime } from './clock.ts';

const START = 1_700_000_000_000;

test('never goes back, and runs no faster than the clock below moves forward', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100_000, max: 10_000 })), (steps) => {
      let time = START;
      const clock = steadyClock(() => time);
      let latest = clock();
      let forward = 0;
      for (const step of steps) {
        time += step;
        forward += Math.max(0, step);
        const told = clock();
        expect(told).toBeGreaterThanOrEqual(latest);
        expect(told - START).toBeLessThanOrEqual(forward);
        latest = told;
      }
    }),
  );
});

test('continues from where it was when set back a lot, and waits when set back a little', () => {
  let time = START;
  const clock = steadyClock(() => time);
  clock();
  time -= 86_400_000;
  expect(clock()).toBe(START);
  time += 500;
  expect(clock()).toBe(START + 500);
  time -= 300;
  expect(clock()).toBe(START + 500);
  time += 400;
  expect(clock()).toBe(START + 600);
});

/** As a busy process does, but leaves the processor to the thread that reads the file. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('an answer that came while the process was busy is in time', async () => {
  const file = withinTime(stat(import.meta.filename), 20);
  block(300);
  expect((await file).isFile()).toBe(true);
});

test('a promise that never settles is given up', async () => {
  await expect(withinTime(new Promise(() => {}), 5)).rejects.toThrow('no answer within 5 ms');
});
