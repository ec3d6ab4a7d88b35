import { MessageChannel } from 'node:worker_threads';
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

test('an answer that came while the process was busy is in time', async () => {
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => void port2.once('message', resolve));
  const inTime = withinTime(answer, 20);
  port1.postMessage('here');
  // It is there from now on, and read when the process looks again.
  const until = performance.now() + 300;
  while (performance.now() < until) continue;
  expect(await inTime).toBe('here');
  port1.close();
});

test('a promise that never settles is given up', async () => {
  await expect(withinTime(new Promise(() => {}), 5)).rejects.toThrow('no answer within 5 ms');
});
