import {
  chargeLimit,
  fixedWindow,
  gcra,
  type Limit,
  type LimitRequest,
  type LimitState,
  leasedLimitStore,
  limitVerdict,
  slidingWindow,
  tokenBucket,
} from '@apisec/core';
import { connectRedis, type RedisLimitStore, redisLimitStore } from '@apisec/redis';
import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TOO_MANY } from '../src/limit-scripts.ts';
import { hasRedis, type RedisServer, ready, startRedis } from './redis-server.ts';

const HOUR = 3_600_000;

const limits: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 8, refillPerSecond: 3 }),
  gcra: gcra({ limit: 5, period: 1_000, burst: 4 }),
  slidingWindow: slidingWindow({ limit: 6, window: 400 }),
  fixedWindow: fixedWindow({ limit: 5, window: 300 }),
};

/** Limits of which little comes back while a test runs. */
const slow: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 100, refillPerSecond: 0.1 }),
  gcra: gcra({ limit: 5, period: 60_000, burst: 100 }),
  slidingWindow: slidingWindow({ limit: 100, window: 24 * HOUR }),
  fixedWindow: fixedWindow({ limit: 100, window: 24 * HOUR }),
};

describe.runIf(hasRedis)('limits on Redis', () => {
  let server: RedisServer;
  let client: Redis;
  let stores = 0;
  beforeAll(async () => {
    server = await startRedis();
    client = connectRedis(server.url);
    await ready(client);
  });
  afterAll(async () => {
    client.disconnect();
    await server.close();
  });
  const create = (): RedisLimitStore & { readonly prefix: string } => {
    const prefix = `limits-${stores++}`;
    return { ...redisLimitStore({ client, prefix, timeout: 10_000 }), prefix };
  };
  const keysOf = (prefix: string): Promise<string[]> => client.keys(`${prefix}:*`);

  test('calls of one moment are decided one after the other, as the law says', async () => {
    const request = fc.record({
      algorithm: fc.constantFrom(...Object.keys(limits)),
      key: fc.integer({ min: 0, max: 3 }).map((number) => `caller ${number}`),
      cost: fc.constantFrom(0, 0.5, 1, 1, 1, 2, 7.25, 100),
    });
    const call = fc.uniqueArray(request, {
      minLength: 1,
      maxLength: 4,
      selector: ({ algorithm }) => algorithm,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 90 }), async (calls) => {
        const store = create();
        const asked = calls.map((requests) =>
          requests.map(({ algorithm, key, cost }): LimitRequest => {
            // Every algorithm is in the table.
            return { name: algorithm, key, limit: limits[algorithm] as Limit, cost };
          }),
        );
        const answers = await Promise.all(asked.map((requests) => store.consume(requests)));
        const states = new Map<string, LimitState>();
        const stateOf = ({ name, key }: LimitRequest): LimitState => {
          const state = states.get(`${name} ${key}`) ?? { used: 0, at: 0, previous: 0 };
          states.set(`${name} ${key}`, state);
          return state;
        };
        for (const [index, requests] of asked.entries()) {
          const answer = answers[index];
          if (answer === undefined) throw new Error('an answer for each call');
          const { at } = answer;
          const fits = requests.map((one) =>
            limitVerdict(one.limit, stateOf(one), at, one.cost, false),
          );
          const allowed = fits.every((verdict) => verdict.allowed);
          expect(answer.allowed).toBe(allowed);
          for (const [place, one] of requests.entries()) {
            if (allowed && one.cost > 0) chargeLimit(one.limit, stateOf(one), at, one.cost);
            const expected = limitVerdict(one.limit, stateOf(one), at, one.cost, allowed);
            expect(answer.verdicts[place]).toEqual(expected);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('the most that one run can hold: sixteen limits for each call, each call at its own cost', async () => {
    const store = create();
    const limit = tokenBucket({ capacity: 100, refillPerSecond: 1 / 3600 });
    const ask = (call: number, cost: number): LimitRequest[] =>
      Array.from({ length: 16 }, (_, index) => ({
        name: `limit ${index}`,
        key: `caller ${call}`,
        limit,
        cost: cost + index,
      }));
    const calls = Array.from({ length: 64 }, (_, call) => store.consume(ask(call, call / 64)));
    for (const [call, answer] of (await Promise.all(calls)).entries()) {
      expect(answer.allowed).toBe(true);
      for (const [index, { remaining }] of answer.verdicts.entries()) {
        expect(remaining).toBeCloseTo(100 - call / 64 - index, 3);
      }
    }
    await expect(store.consume([...ask(0, 1), ...ask(1, 1)])).rejects.toThrow('more than 16');
    await expect(store.consume([])).rejects.toThrow('no limit');
  });

  test('clients whose clocks differ by a day count as one', async () => {
    const store = create();
    const limit = fixedWindow({ limit: 40, window: HOUR });
    const real = Date.now;
    const answers = [];
    try {
      for (let round = 0; round < 20; round++) {
        const ahead = (round % 3) - 1;
        Date.now = () => real() + ahead * 24 * HOUR;
        const calls = Array.from({ length: 4 }, () =>
          store.consume([{ name: 'day', key: 'caller', limit, cost: 1 }]),
        );
        answers.push(...(await Promise.all(calls)));
      }
    } finally {
      Date.now = real;
    }
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(40);
  });

  test.each(Object.entries(slow))(
    '%s: a key lives as long as it matters, and at most twice as long',
    async (name, limit) => {
      const store = create();
      const request = { name, key: 'caller', limit };
      for (let call = 0; call < 40; call++) {
        const { at } = await store.consume([{ ...request, cost: 0.5 }]);
        if (call % 7 === 3) {
          await store.settle([{ ...request, cost: 1, actual: call % 2 === 0 ? 2.5 : 0.5, at }]);
        }
        const [key = ''] = await keysOf(store.prefix);
        const [asked, left] = await Promise.all([
          store.consume([{ ...request, cost: 0 }]),
          client.pttl(key),
        ]);
        const matters = asked.verdicts[0]?.resetAfter ?? 0;
        expect(matters).toBeGreaterThan(1_000);
        expect(left).toBeGreaterThanOrEqual(matters - 100);
        // Giving back shortens what matters, not the key.
        if (call < 3) expect(left).toBeLessThanOrEqual(2 * matters + 2);
      }
    },
  );

  test('leases: four nodes ask ten times less for a hot key, and admit what there is', async () => {
    const prefix = `limits-${stores++}`;
    const clients = Array.from({ length: 4 }, () => connectRedis(server.url));
    onTestFinished(() => {
      for (const each of clients) each.disconnect();
    });
    await Promise.all(clients.map((each) => ready(each)));
    const nodes = clients.map((each) =>
      leasedLimitStore(redisLimitStore({ client: each, prefix, timeout: 10_000 }), { slice: 50 }),
    );
    const limit = tokenBucket({ capacity: 1_000, refillPerSecond: 1 / 3600 });
    await client.config('RESETSTAT');
    const admitted = await Promise.all(
      nodes.map(async (node) => {
        let count = 0;
        for (let call = 0; call < 400; call++) {
          const { allowed } = await node.consume([{ name: 'hot', key: 'key', limit, cost: 1 }]);
          if (allowed) count++;
        }
        return count;
      }),
    );
    const sum = admitted.reduce((all, each) => all + each, 0);
    expect(sum).toBeLessThanOrEqual(1_000);
    expect(sum).toBeGreaterThanOrEqual(1_000 - 4 * 50);
    const stats = await client.info('commandstats');
    const commands = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
    expect(commands * 10).toBeLessThanOrEqual(1_600);
  });

  test('calls of one moment share commands', async () => {
    const store = create();
    const limit = limits['tokenBucket'] as Limit;
    await store.consume([{ name: 'one', key: 'warm', limit, cost: 1 }]);
    await client.config('RESETSTAT');
    await Promise.all(
      Array.from({ length: 320 }, (_, index) =>
        store.consume([{ name: 'one', key: `caller ${index}`, limit, cost: 1 }]),
      ),
    );
    const stats = await client.info('commandstats');
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])).toBe(10);
  });

  test('what one unit holds a key for does not depend on the capacity', async () => {
    const store = create();
    const limit = tokenBucket({ capacity: 1_000_000, refillPerSecond: 10 });
    await store.consume([{ name: 'wide', key: 'caller', limit, cost: 1 }]);
    const [key = ''] = await keysOf(store.prefix);
    const left = await client.pttl(key);
    expect(left).toBeLessThanOrEqual(4_096);
  });

  test('limits that count one key are one record, without those that have recovered', async () => {
    const store = create();
    const [long, short] = [
      slow['fixedWindow'] as Limit,
      tokenBucket({ capacity: 1, refillPerSecond: 50 }),
    ];
    const ask = (name: string, limit: Limit) => ({ name, key: 'caller', limit, cost: 1 });
    await store.consume([ask('a', long), ask('b', long), ask('c', short)]);
    const keys = await keysOf(store.prefix);
    expect(keys).toHaveLength(1);
    const bytes = (): Promise<number> => client.strlen(keys[0] ?? '');
    const three = await bytes();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { verdicts } = await store.consume([ask('a', long)]);
    expect(verdicts[0]?.remaining).toBe(98);
    expect(await bytes()).toBeLessThan(three);
    // Each is asked without the others and still knows what it counted.
    const [one] = (await store.consume([{ ...ask('b', long), cost: 0 }])).verdicts;
    expect(one?.remaining).toBe(99);
  });

  test('a name that is made of input is refused before its key grows without end', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const ask = (name: string, key: string): LimitRequest => ({ name, key, limit, cost: 1 });
    for (let index = 0; index < 64; index++) await store.consume([ask(`limit ${index}`, 'full')]);
    // Whoever else is asked at that moment is none the worse for it, nor is what the call asked of others.
    const [full, other, own] = await Promise.allSettled([
      store.consume([ask('one more', 'other'), ask('one more', 'full')]),
      store.consume([ask('one more', 'other')]),
      store.consume([ask('limit 63', 'full')]),
    ]);
    expect(full).toEqual({ status: 'rejected', reason: new TypeError(TOO_MANY) });
    const left = [other, own].map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value.verdicts[0]?.remaining;
    });
    expect(left).toEqual([99, 98]);
  });
});
