import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Limit, LimitRequest, LimitStore } from '../contracts/limit-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import type { Duration } from '../lib/duration.ts';
import { fixedWindow } from './fixed-window.ts';
import { leasedLimitStore } from './leased-limit-store.ts';
import { memoryLimitStore } from './memory-limit-store.ts';
import { tokenBucket } from './token-bucket.ts';

const START = 1_700_000_040_000;
const bucket = tokenBucket({ capacity: 100, refillPerSecond: 10 });
const windowed = fixedWindow({ limit: 100, window: '10s' });

function setup(slice = 20, nodes = 1, ttl: Duration = '1s') {
  const clock = { time: START };
  const now = () => clock.time;
  const shared = memoryLimitStore({ now });
  const consume = vi.fn(shared.consume);
  const reconcile = vi.fn(shared.reconcile);
  const store: LimitStore = { consume, reconcile };
  const local = Array.from({ length: nodes }, () => leasedLimitStore(store, { slice, ttl, now }));
  const ask = async (over: Partial<LimitRequest> = {}, node = 0) =>
    (local[node] as LimitStore).consume([{ name: 'a', key: 'k', limit: bucket, cost: 1, ...over }]);
  return { clock, shared, consume, reconcile, node: local[0] as LimitStore, nodes: local, ask };
}

describe('a hot key', () => {
  test('asks the store at least ten times less, and admits exactly as many', async () => {
    const limit = tokenBucket({ capacity: 1_000, refillPerSecond: 1 });
    const { ask, consume } = setup(50);
    let admitted = 0;
    for (let call = 0; call < 2_000; call++) if ((await ask({ limit })).allowed) admitted++;
    expect(admitted).toBe(1_000);
    expect(consume.mock.calls.length * 10).toBeLessThanOrEqual(1_000);
  });

  test('asks as rarely where the limit recovers at once, being far above what is asked', async () => {
    const limit = tokenBucket({ capacity: 10_000, refillPerSecond: 10_000 });
    const { ask, consume, clock } = setup(50);
    for (let call = 0; call < 1_000; call++) {
      expect((await ask({ limit })).allowed).toBe(true);
      clock.time += 5;
    }
    expect(consume.mock.calls.length * 10).toBeLessThanOrEqual(1_000);
  });

  test('above its limit asks as rarely, and admits nearly as many', async () => {
    const limit = tokenBucket({ capacity: 200, refillPerSecond: 200 });
    const { ask, consume, clock } = setup(25, 4);
    let admitted = 0;
    const calls = 4 * 2_000;
    for (let call = 0; call < calls; call++) {
      if ((await ask({ limit }, call % 4)).allowed) admitted++;
      // Four nodes, of which each is called once in 5 ms.
      if (call % 4 === 3) clock.time += 5;
    }
    const allowed = 200 + 10 * 200;
    expect(consume.mock.calls.length * 10).toBeLessThanOrEqual(calls);
    expect(admitted).toBeLessThanOrEqual(allowed);
    expect(admitted).toBeGreaterThanOrEqual(allowed - 4 * 25 - 100);
  });

  test('above its limit still admits a caller who waits as long as announced', async () => {
    const limit = tokenBucket({ capacity: 200, refillPerSecond: 200 });
    const { ask, clock } = setup(25);
    for (let call = 0; call < 1_000; call++) {
      await ask({ limit });
      clock.time += 1;
    }
    for (let turn = 0; turn < 20; turn++) {
      let answer = await ask({ limit });
      while (answer.allowed) answer = await ask({ limit });
      clock.time += answer.verdicts[0]?.retryAfterMs ?? 0;
      expect((await ask({ limit })).allowed).toBe(true);
    }
  });

  test('lets one of many concurrent calls ask for all of them', async () => {
    const { shared, clock } = setup();
    const consume = vi.fn(async (requests: readonly LimitRequest[]) => shared.consume(requests));
    const store = leasedLimitStore(
      { consume, reconcile: shared.reconcile },
      { slice: 50, now: () => clock.time },
    );
    const request = { name: 'a', key: 'k', limit: bucket, cost: 1 };
    for (let warm = 0; warm < 80; warm++) await store.consume([request]);
    clock.time += 10_000;
    consume.mockClear();
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => store.consume([request])),
    );
    expect(answers.every(({ allowed }) => allowed)).toBe(true);
    expect(consume.mock.calls.length).toBeLessThanOrEqual(2);
  });

  test('reports that it answered without asking', async () => {
    const { ask } = setup();
    expect((await ask()).degraded).toBeUndefined();
    await ask();
    expect((await ask()).degraded).toBe('limit.leased');
  });
});

describe('a cold key', () => {
  test('takes no more than it spends', async () => {
    const { ask, shared, clock } = setup();
    for (let call = 0; call < 9; call++) {
      await ask({ limit: windowed });
      clock.time += 1_100;
    }
    clock.time = START;
    const rest = shared.consume([{ name: 'a', key: 'k', limit: windowed, cost: 0 }]);
    expect(rest.verdicts[0]?.remaining).toBe(91);
  });

  test('that was hot holds less and less', async () => {
    const { ask, clock, consume } = setup(16);
    for (let call = 0; call < 60; call++) await ask();
    const asked = () => consume.mock.calls.at(-1)?.[0][0]?.cost;
    const costs: unknown[] = [];
    for (let call = 0; call < 6; call++) {
      clock.time += 20_000;
      await ask();
      costs.push(asked());
    }
    expect(costs.at(-1)).toBe(1);
  });
});

describe('a denial', () => {
  test('is answered without asking until retryAfterMs, and then the call is admitted', async () => {
    const { ask, consume, clock } = setup();
    while ((await ask()).allowed);
    const calls = consume.mock.calls.length;
    const { verdicts } = await ask();
    expect(verdicts[0]).toMatchObject({ allowed: false, retryAfterMs: 100 });
    clock.time += 99;
    expect((await ask()).verdicts[0]).toMatchObject({ allowed: false, retryAfterMs: 1 });
    expect(consume.mock.calls.length).toBe(calls);
    clock.time += 1;
    expect((await ask()).allowed).toBe(true);
  });

  test('of a large cost says nothing of a small one', async () => {
    const { ask } = setup();
    expect((await ask({ cost: 60 })).allowed).toBe(true);
    expect((await ask({ cost: 60 })).allowed).toBe(false);
    expect((await ask({ cost: 40 })).allowed).toBe(true);
  });

  test('is asked for again in time, since others may have given back', async () => {
    const { ask, shared, clock } = setup();
    const limit = fixedWindow({ limit: 5, window: '1d' });
    const taken = shared.consume([{ name: 'a', key: 'k', limit, cost: 5 }]);
    expect((await ask({ limit })).allowed).toBe(false);
    shared.reconcile([{ name: 'a', key: 'k', limit, cost: 5, actual: 0, at: taken.at }]);
    const day = 86_400_000;
    const { allowed, verdicts } = await ask({ limit });
    expect([allowed, verdicts[0]?.retryAfterMs]).toEqual([false, day - (START % day)]);
    clock.time += 10_000;
    expect((await ask({ limit })).allowed).toBe(true);
  });

  test('of a small cost says nothing of a large one, and nothing of one that never fits', async () => {
    const { ask } = setup();
    expect((await ask({ cost: 100 })).allowed).toBe(true);
    const waits = [];
    for (const cost of [1, 9, 101, 1]) {
      const { allowed, verdicts } = await ask({ cost });
      expect(allowed).toBe(false);
      waits.push(verdicts[0]?.retryAfterMs);
    }
    expect(waits).toEqual([100, 900, Number.POSITIVE_INFINITY, 100]);
  });

  test('of nobody: a call takes its units once, whatever keys come while it asks', async () => {
    const { shared, clock } = setup();
    const late = leasedLimitStore(
      {
        consume: async (requests) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          return shared.consume(requests);
        },
        reconcile: shared.reconcile,
      },
      { slice: 1, capacity: 10, now: () => clock.time },
    );
    const request = { name: 'a', limit: bucket, cost: 1 };
    const victim = late.consume([{ ...request, key: 'victim' }]);
    const flood = Array.from({ length: 200 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index / 20));
      return late.consume([{ ...request, key: `flood ${index}` }]);
    });
    await Promise.all([victim, ...flood]);
    const { verdicts } = shared.consume([{ ...request, key: 'victim', cost: 0 }]);
    expect(verdicts[0]?.remaining).toBe(99);
  });

  test('of a cost that never fits is the store’s own', async () => {
    const { ask } = setup();
    const { allowed, verdicts } = await ask({ cost: 101 });
    expect([allowed, verdicts[0]?.retryAfterMs]).toEqual([false, Number.POSITIVE_INFINITY]);
  });
});

describe('several limits', () => {
  const wide: LimitRequest = { name: 'wide', key: 'k', limit: bucket, cost: 1 };
  const narrow: LimitRequest = {
    name: 'narrow',
    key: 'k',
    limit: { ...bucket, capacity: 5 },
    cost: 1,
  };

  test('are spent together or not at all', async () => {
    const { node, shared } = setup();
    let admitted = 0;
    for (let call = 0; call < 200; call++) {
      const { allowed, verdicts } = await node.consume([wide, narrow]);
      expect(verdicts).toHaveLength(2);
      if (allowed) admitted++;
      else expect(verdicts.map((verdict) => verdict.allowed)).toEqual([true, false]);
    }
    expect(admitted).toBe(5);
    let alone = 0;
    while ((await node.consume([wide])).allowed) alone++;
    expect(alone).toBe(95);
    expect(shared.consume([{ ...wide, cost: 1 }]).allowed).toBe(false);
  });

  test('that change are asked for again', async () => {
    const { ask } = setup();
    for (let call = 0; call < 10; call++) await ask();
    expect((await ask({ limit: { ...bucket, capacity: 5 } })).allowed).toBe(false);
    expect((await ask({ limit: { ...bucket, capacity: 1_000 } })).allowed).toBe(true);
  });
});

describe('reconciling', () => {
  test('gives back to what is held, and charges it, without asking', async () => {
    const { node, ask, reconcile } = setup(20);
    for (let call = 0; call < 20; call++) await ask();
    const { at } = await ask();
    const request = { name: 'a', key: 'k', limit: bucket, cost: 1 };
    await node.reconcile([{ ...request, at, actual: 0 }]);
    await node.reconcile([{ ...request, at, actual: 3 }]);
    await node.reconcile([{ ...request, at, actual: 1 }]);
    expect(reconcile).not.toHaveBeenCalled();
    await node.reconcile([{ ...request, at, actual: 80 }]);
    expect(reconcile).toHaveBeenCalledOnce();
  });

  test('gives back to what is held no more than was spent since: the rest is the store’s', async () => {
    const { node, ask, reconcile } = setup(20);
    const { at } = await ask();
    const request = { name: 'a', key: 'k', limit: bucket, cost: 1 };
    for (let time = 0; time < 5; time++) await node.reconcile([{ ...request, at, actual: 0 }]);
    expect(reconcile).toHaveBeenCalledTimes(4);
  });

  test('units that were taken long ago are given back by the store', async () => {
    const { node, ask, reconcile, clock } = setup(20);
    const { at } = await ask();
    clock.time += 5_000;
    await node.reconcile([{ name: 'a', key: 'k', limit: bucket, cost: 1, at, actual: 0 }]);
    expect(reconcile).toHaveBeenCalledOnce();
  });
});

test('a store that fails fails all who wait for it, and is asked again afterwards', async () => {
  const { shared, clock } = setup();
  let broken = true;
  const consume = async (requests: readonly LimitRequest[]) => {
    if (broken) throw new Error('down');
    return shared.consume(requests);
  };
  const store = leasedLimitStore(
    { consume, reconcile: shared.reconcile },
    { slice: 5, now: () => clock.time },
  );
  const ask = async () => store.consume([{ name: 'a', key: 'k', limit: bucket, cost: 1 }]);
  const failed = await Promise.allSettled(Array.from({ length: 10 }, ask));
  expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
  broken = false;
  expect((await ask()).allowed).toBe(true);
});

describe('the stated bound', () => {
  const step = fc.record({
    node: fc.nat(3),
    calls: fc.integer({ min: 1, max: 40 }),
    pause: fc.nat(1_500),
    cost: fc.integer({ min: 1, max: 3 }),
  });
  const runs = fc.array(step, { minLength: 1, maxLength: 50 });

  async function admitted(
    limit: Limit,
    steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
    slice: number,
  ) {
    const { clock, ask } = setup(slice, 4);
    const log: { time: number; cost: number }[] = [];
    for (const { node, calls, pause, cost } of steps) {
      for (let call = 0; call < calls; call++) {
        if ((await ask({ limit, cost }, node)).allowed) log.push({ time: clock.time, cost });
      }
      clock.time += pause;
    }
    return log;
  }

  test('over any interval, n nodes admit at most n slices more than a bucket says', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 3, max: 25 }), async (steps, slice) => {
        const log = await admitted(bucket, steps, slice);
        for (let from = 0; from < log.length; from++) {
          let units = 0;
          for (let to = from; to < log.length; to++) {
            units += log[to]?.cost ?? 0;
            const passed = (log[to]?.time ?? 0) - (log[from]?.time ?? 0);
            expect(units).toBeLessThanOrEqual(100 + passed / 100 + 4 * slice + 1e-6);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a fixed window never admits more than it says', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 3, max: 25 }), async (steps, slice) => {
        const units = new Map<number, number>();
        for (const { time, cost } of await admitted(windowed, steps, slice)) {
          const start = Math.floor(time / 10_000);
          units.set(start, (units.get(start) ?? 0) + cost);
        }
        for (const sum of units.values()) expect(sum).toBeLessThanOrEqual(100);
      }),
      { numRuns: 40 },
    );
  });

  test('a fixed window never admits more than it says, however late answers come', async () => {
    const { clock, shared } = setup();
    const late = leasedLimitStore(
      {
        consume: async (requests) => {
          const answer = shared.consume(requests);
          // The window turns while the answer is under way.
          clock.time += 30;
          return answer;
        },
        reconcile: shared.reconcile,
      },
      { slice: 20, now: () => clock.time },
    );
    const limit = fixedWindow({ limit: 40, window: '1m' });
    const request = { name: 'a', key: 'k', limit, cost: 1 };
    for (let call = 0; call < 6; call++) await late.consume([request]);
    clock.time = START + 59_990 - (START % 60_000);
    await late.consume([request]);
    expect(clock.time).toBeGreaterThan(START + 60_000 - (START % 60_000));
    let admitted = 0;
    for (let call = 0; call < 100; call++) if ((await late.consume([request])).allowed) admitted++;
    expect(admitted).toBeLessThanOrEqual(40);
    expect(admitted).toBeGreaterThanOrEqual(39);
  });

  test('under load on all nodes at most n slices are left unspent', async () => {
    const { ask } = setup(10, 4);
    let sum = 0;
    for (let call = 0; call < 400; call++) {
      if ((await ask({ limit: windowed }, call % 4)).allowed) sum++;
    }
    expect(sum).toBeLessThanOrEqual(100);
    expect(sum).toBeGreaterThanOrEqual(100 - 4 * 10);
  });
});

test.each([
  { slice: 0 },
  { slice: Number.NaN },
  { slice: 5, ttl: '0ms' as const },
  { slice: 5, ttl: '60001ms' as const },
  { slice: 5, capacity: 1 },
])('%j cannot be constructed', (options) => {
  expect(() => leasedLimitStore(memoryLimitStore(), options)).toThrow(ConfigurationError);
});
