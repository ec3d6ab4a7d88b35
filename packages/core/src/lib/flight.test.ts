import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { joinFlight } from './flight.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lost = new Promise<string>(() => undefined);
/** After how long waiting is given up. */
async function waited(...join: Parameters<typeof joinFlight<string>>): Promise<number> {
  const begun = Date.now();
  const over = joinFlight(...join)?.catch(() => Date.now() - begun);
  await vi.advanceTimersByTimeAsync(10_000);
  return Number(await over);
}

test('other callers share the result if it has arrived, or arrives in time', async () => {
  const landing = Promise.resolve('here');
  expect(await joinFlight({ landing, startedAt: 0 }, 1_000, 999)).toBe('here');
});

test('where nothing was begun, or what was begun is lost, the caller begins it', () => {
  expect(joinFlight(undefined, 1_000, 0)).toBeUndefined();
  expect(joinFlight({ landing: lost, startedAt: 0 }, 1_000, 1_000)).toBeUndefined();
  // A clock that was set back by that much.
  expect(joinFlight({ landing: lost, startedAt: 2_000 }, 1_000, 1_000)).toBeUndefined();
});

test('nobody waits for longer than for what is left of the time', async () => {
  expect(await waited({ landing: lost, startedAt: 0 }, 1_000, 0)).toBe(1_000);
  expect(await waited({ landing: lost, startedAt: 0 }, 1_000, 700)).toBe(300);
  expect(await waited({ landing: lost, startedAt: 0 }, 1_000, 700, 5_000)).toBe(1_000);
  expect(await waited({ landing: lost, startedAt: 0 }, 1_000, 4_900, 5_000)).toBe(100);
});
