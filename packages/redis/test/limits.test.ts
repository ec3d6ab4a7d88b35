import {
  fixedWindow,
  gcra,
  type Limit,
  type LimitAnswer,
  type LimitRequest,
  leasedLimitStore,
  slidingWindow,
  tokenBucket,
} from '@apisec/core';
import { chargeLimit, type LimitState, limitVerdict } from '@apisec/core/host';
import { connectRedis, type RedisLimitStore, redisLimitStore } from '@apisec/redis';
import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TOO_MANY } from '../src/limits/limit-scripts.ts';
import { idOf } from '../src/limits/limit-wire.ts';
import { hasRedis, type RedisServer, ready, startRedis } from './redis-server.ts';
import { wait } from './wait.ts';

const HOUR = 3_600_000;

const limits: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 8, refillPerSecond: 3 }),
  gcra: gcra({ limit: 5, period: '1s', burst: 4 }),
  slidingWindow: slidingWindow({ limit: 6, window: '400ms' }),
  fixedWindow: fixedWindow({ limit: 5, window: '300ms' }),
};

/** Limits of which little comes back while a test runs. */
const slow: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 100, refillPerSecond: 0.1 }),
  gcra: gcra({ limit: 5, period: '1m', burst: 100 }),
  slidingWindow: slidingWindow({ limit: 100, window: '1d' }),
  fixedWindow: fixedWindow({ limit: 100, window: '1d' }),
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
    return { ...redisLimitStore({ client, prefix, timeout: '10s' }), prefix };
  };
  const keysOf = (prefix: string): Promise<string[]> => client.keys(`${prefix}:*`);

  test('calls of one moment are decided one after the other, as the law says', async () => {
    // Few enough limits that a key is short, and more, so that it grows long.
    const most = fc.constantFrom(1, 6);
    const request = fc.record({
      algorithm: fc.constantFrom(...Object.keys(limits)),
      number: fc.nat(5),
      key: fc.integer({ min: 0, max: 2 }).map((number) => `caller ${number}`),
      cost: fc.constantFrom(0, 0.5, 1, 1, 1, 2, 7.25, 100),
    });
    const call = fc.array(request, { minLength: 1, maxLength: 16 });
    const moments = fc.array(fc.array(call, { minLength: 1, maxLength: 40 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(moments, most, async (calls, numbers) => {
        const store = create();
        const asked: LimitRequest[][] = [];
        const answers: LimitAnswer[] = [];
        for (const moment of calls) {
          const together = moment.map((requests) => {
            const named = requests.map(({ algorithm, number, key, cost }): LimitRequest => {
              const name = `${algorithm} ${number % numbers}`;
              // Every algorithm is in the table.
              return { name, key, limit: limits[algorithm] as Limit, cost };
            });
            // A call asks each limit of a key once.
            return [...new Map(named.map((one) => [`${one.name} ${one.key}`, one])).values()];
          });
          asked.push(...together);
          answers.push(...(await Promise.all(together.map((each) => store.consume(each)))));
        }
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
    const limit = fixedWindow({ limit: 40, window: '1h' });
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
          await store.reconcile([{ ...request, cost: 1, actual: call % 2 === 0 ? 2.5 : 0.5, at }]);
        }
        const [key = ''] = await keysOf(store.prefix);
        const [asked, left] = await Promise.all([
          store.consume([{ ...request, cost: 0 }]),
          client.pttl(key),
        ]);
        const matters = asked.verdicts[0]?.resetAfterMs ?? 0;
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
      leasedLimitStore(redisLimitStore({ client: each, prefix, timeout: '10s' }), { slice: 50 }),
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

  test('how long one unit keeps a key does not depend on the capacity', async () => {
    const store = create();
    const limit = tokenBucket({ capacity: 1_000_000, refillPerSecond: 10 });
    await store.consume([{ name: 'wide', key: 'caller', limit, cost: 1 }]);
    const [key = ''] = await keysOf(store.prefix);
    const left = await client.pttl(key);
    expect(left).toBeLessThanOrEqual(4_096);
  });

  test('limits that count one key are one key, each asked without the others', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const ask = (name: string, cost = 1) => ({ name, key: 'caller', limit, cost });
    await store.consume([ask('a'), ask('b'), ask('c')]);
    expect(await keysOf(store.prefix)).toHaveLength(1);
    for (const [name, left] of [
      ['b', 99],
      ['a', 98],
      ['a', 97],
      ['c', 99],
    ] as const) {
      const cost = left === 99 ? 0 : 1;
      const { verdicts } = await store.consume([ask(name, cost)]);
      expect(verdicts[0]?.remaining).toBe(left);
    }
  });

  test('limits of a key that have recovered make room for others, and what has not is kept', async () => {
    const store = create();
    const quick = tokenBucket({ capacity: 1, refillPerSecond: 50 });
    const limit = fixedWindow({ limit: 1_000, window: '1d' });
    const day = { name: 'day', key: 'caller', limit, cost: 1 };
    const call = (index: number): Promise<LimitAnswer> =>
      store.consume([day, { name: `operation ${index}`, key: 'caller', limit: quick, cost: 1 }]);
    for (let index = 0; index < 127; index++) await call(index);
    const [key = ''] = await keysOf(store.prefix);
    const full = await client.strlen(key);
    await wait(100);
    for (const [operation, left] of [
      [127, 872],
      [128, 871],
    ] as const) {
      const { allowed, verdicts } = await call(operation);
      expect(allowed).toBe(true);
      expect(verdicts.map(({ remaining }) => remaining)).toEqual([left, 0]);
    }
    expect(await client.strlen(key)).toBeLessThanOrEqual(full);
  });

  test('a key that is counted by many limits takes more of them, and stays as long as any of them matters', async () => {
    const store = create();
    const short = tokenBucket({ capacity: 10, refillPerSecond: 1 });
    const long = fixedWindow({ limit: 10, window: '1d' });
    const ask = (name: string, limit: Limit, cost = 1): LimitRequest => ({
      name,
      key: 'caller',
      limit,
      cost,
    });
    const many = (name: string, count: number, limit: Limit, cost = 1): LimitRequest[] =>
      Array.from({ length: count }, (_, index) => ask(`${name} ${index}`, limit, cost));
    await store.consume(many('first', 9, short));
    const [key = ''] = await keysOf(store.prefix);
    expect(await client.pttl(key)).toBeLessThanOrEqual(4_096);
    // In one run, beside one that is there.
    await Promise.all([
      store.consume(many('second', 3, long)),
      store.consume([ask('first 0', short), ask('third', long, 2)]),
    ]);
    expect(await client.pttl(key)).toBeGreaterThan(4_096);
    const { verdicts } = await store.consume([
      ...many('second', 3, long, 0),
      ask('third', long, 0),
    ]);
    expect(verdicts.map(({ remaining }) => remaining)).toEqual([9, 9, 9, 8]);
  });

  test('an id that stands in the count of another limit is not taken for its own', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const ask = (name: string, cost: number): LimitRequest => ({ name, key: 'a', limit, cost });
    for (let index = 0; index < 9; index++) await store.consume([ask(`limit ${index}`, 1)]);
    const [key = ''] = await keysOf(store.prefix);
    const bytes = (await client.getBuffer(key)) ?? expect.fail('nothing is kept');
    // What the first has used, as bytes that name another.
    bytes.writeUIntBE(idOf('other', limit), 13, 6);
    await client.set(key, bytes, 'KEEPTTL');
    await store.consume([ask('other', 1)]);
    const { verdicts } = await store.consume([ask('other', 0), ask('limit 1', 0)]);
    expect(verdicts.map(({ remaining }) => remaining)).toEqual([99, 99]);
  });

  test('a name that is made of input is denied before its key grows without end', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const ask = (name: string, key: string): LimitRequest => ({ name, key, limit, cost: 1 });
    for (let index = 0; index < 128; index++) await store.consume([ask(`limit ${index}`, 'full')]);
    // Whoever else is asked at that moment is none the worse for it, nor is what the call asked of others.
    const [full, other, own] = await Promise.allSettled([
      store.consume([ask('one more', 'other'), ask('one more', 'full')]),
      store.consume([ask('one more', 'other')]),
      store.consume([ask('limit 127', 'full')]),
    ]);
    expect(full).toEqual({ status: 'rejected', reason: new TypeError(TOO_MANY) });
    const left = [other, own].map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value.verdicts[0]?.remaining;
    });
    expect(left).toEqual([99, 98]);
  });

  test('a full key does not prevent others from being reconciled', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const ask = (name: string, key: string): LimitRequest => ({ name, key, limit, cost: 10 });
    for (let index = 0; index < 128; index++) await store.consume([ask(`limit ${index}`, 'full')]);
    const { at } = await store.consume([ask('other', 'other')]);
    const settled = (actual: number) =>
      store.reconcile([
        { ...ask('one more', 'full'), actual, at },
        { ...ask('other', 'other'), actual: 0, at },
      ]);
    await expect(settled(20)).rejects.toThrow('too many limits of one key');
    const left = async (name: string, key: string) =>
      (await store.consume([{ ...ask(name, key), cost: 0 }])).verdicts[0]?.remaining;
    expect(await left('other', 'other')).toBe(100);
    // What is not known needs no room to be given back.
    await settled(0);
    expect(await left('limit 127', 'full')).toBe(90);
  });

  test('an invalid call fails alone', async () => {
    const store = create();
    const limit = slow['fixedWindow'] as Limit;
    const fine = { name: 'one', key: 'caller', limit, cost: 1 };
    const calls: readonly unknown[] = [
      { ...fine, key: undefined },
      { ...fine, key: 5 },
      { ...fine, name: Symbol('one') },
      { ...fine, limit: { algorithm: 'leaky', window: 1, capacity: 1 } },
      { ...fine, cost: Number.NaN },
      fine,
    ];
    const answers = await Promise.allSettled(
      calls.map(async (call) => store.consume([call as LimitRequest])),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => 'rejected'),
      'fulfilled',
    ]);
  });

  test('a limit that is changed in place is counted apart', async () => {
    const store = create();
    const limit = { ...(slow['fixedWindow'] as Limit), window: HOUR };
    const ask = async () =>
      (await store.consume([{ name: 'one', key: 'caller', limit, cost: 10 }])).verdicts[0]
        ?.remaining;
    expect([await ask(), await ask()]).toEqual([90, 80]);
    limit.window = 2 * HOUR;
    expect(await ask()).toBe(90);
    limit.window = HOUR;
    expect(await ask()).toBe(70);
  });
});
