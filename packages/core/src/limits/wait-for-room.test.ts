import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { allOf } from '../engine/combine.ts';
import { deny, type Outcome } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { concurrencyLimit } from './concurrency-limit.ts';
import { rateLimit } from './rate-limit.ts';
import { shedLoad } from './shed-load.ts';
import { tokenBucket } from './token-bucket.ts';
import { type WaitForRoomOptions, waitForRoom } from './wait-for-room.ts';

interface Facts {
  readonly peer: { readonly id: string };
}

const request = new Request('https://api.example.com/reports');
const by = (facts: Facts) => facts.peer.id;
const from = (id: string): Facts => ({ peer: { id } });
const codeOf = (outcome: Outcome<object>) => (outcome.ok ? 'passed' : outcome.denial.code);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Ten calls at once, then one more every 100 ms. */
const rated = (options: Partial<WaitForRoomOptions> = {}) =>
  waitForRoom<Facts, object>(
    rateLimit<Facts>({ limit: tokenBucket({ capacity: 10, refillPerSecond: 10 }), by }),
    { atMost: '1s', ...options },
  );
const ask = async (policy: ReturnType<typeof rated>, id = 'a') =>
  codeOf(await policy.check(request, from(id)));
const spend = async (policy: ReturnType<typeof rated>, id = 'a') => {
  for (let n = 0; n < 10; n++) expect(await ask(policy, id)).toBe('passed');
};

/** How many timers more there are after it; others may have theirs in this process. */
function timersOf(step: () => unknown): number {
  const before = vi.getTimerCount();
  step();
  return vi.getTimerCount() - before;
}

describe('a rate', () => {
  test('is waited for, for exactly as long as it takes', async () => {
    const policy = rated();
    await spend(policy);
    const seen: string[] = [];
    void ask(policy).then((code) => seen.push(code));
    await vi.advanceTimersByTimeAsync(99);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(seen).toEqual(['passed']);
  });

  test('admits no more calls than without waiting, and denies the others in time', async () => {
    const policy = rated();
    await spend(policy);
    const calls = Promise.all(Array.from({ length: 20 }, () => ask(policy)));
    await vi.advanceTimersByTimeAsync(1_500);
    const codes = await calls;
    const passed = codes.filter((code) => code === 'passed').length;
    expect(passed).toBeGreaterThanOrEqual(8);
    expect(passed).toBeLessThanOrEqual(10);
    expect(new Set(codes)).toEqual(new Set(['passed', 'limit.exceeded']));
  });

  test('that is full for longer than calls may wait denies at once', async () => {
    const policy = rated({ atMost: '50ms' });
    await spend(policy);
    let answer: Promise<string> | undefined;
    expect(timersOf(() => (answer = ask(policy)))).toBe(0);
    expect(await answer).toBe('limit.exceeded');
  });

  test('with room answers at once, as the limit itself does', () => {
    expect(isThenable(rated().check(request, from('a')))).toBe(false);
  });

  test('has a bounded queue, and one peer gets at most a fifth of it', async () => {
    const policy = rated({ maxWaiting: 10 });
    await spend(policy);
    const calls: Promise<string>[] = [];
    const askOften = () => {
      for (let n = 0; n < 50; n++) calls.push(ask(policy));
    };
    expect(timersOf(askOften)).toBe(2);
    for (let n = 0; n < 9; n++) await spend(policy, `p${n}`);
    const askForOthers = () => {
      for (let n = 0; n < 9; n++) calls.push(ask(policy, `p${n}`), ask(policy, `p${n}`));
    };
    expect(timersOf(askForOthers)).toBe(8);
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all(calls);
    // The places are free again.
    await spend(policy);
    expect(timersOf(() => void ask(policy))).toBe(1);
  });
});

describe('a caller who leaves', () => {
  test.each<[string, () => { request: object; leave: () => void }]>([
    [
      'of a web request',
      () => {
        const controller = new AbortController();
        const { signal } = controller;
        return {
          request: new Request('https://a.example', { signal }),
          leave: () => controller.abort(),
        };
      },
    ],
    [
      'of a host that tells',
      () => {
        const told = new Set<() => void>();
        const onDisconnect = (left: () => void) => {
          told.add(left);
          return () => told.delete(left);
        };
        return {
          request: { method: 'GET', url: '/', headers: new Headers(), onDisconnect },
          leave: () => told.forEach((left) => left()),
        };
      },
    ],
  ])('gives the place back at once: %s', async (_, make) => {
    const policy = rated({ maxWaiting: 1 });
    await spend(policy);
    const caller = make();
    let first: ReturnType<typeof policy.check> | undefined;
    expect(timersOf(() => (first = policy.check(caller.request as never, from('a'))))).toBe(1);
    expect(await ask(policy)).toBe('limit.exceeded');
    expect(timersOf(caller.leave)).toBe(-1);
    expect(codeOf((await first) as Outcome<object>)).toBe('limit.exceeded');
    const next = ask(policy);
    await vi.advanceTimersByTimeAsync(200);
    expect(await next).toBe('passed');
  });
});

describe('running calls', () => {
  const limited = () =>
    waitForRoom<Facts, object>(concurrencyLimit<Facts>({ limit: 1, by }), { atMost: '1s' });
  const begin = async (policy: ReturnType<typeof limited>) => {
    const outcome = await policy.check(request, from('a'));
    const obligations = [outcome.ok ? outcome.obligations : undefined].flat();
    const end = () =>
      obligations.forEach((each) => void each?.onComplete?.({ outcome: 'succeeded' } as never));
    return { code: codeOf(outcome), end };
  };

  test('are waited for until one ends, and then exactly one goes on', async () => {
    const policy = limited();
    const first = await begin(policy);
    const seen: string[] = [];
    for (let n = 0; n < 3; n++) void begin(policy).then(({ code }) => seen.push(code));
    await vi.advanceTimersByTimeAsync(300);
    expect(seen).toEqual([]);
    first.end();
    await vi.advanceTimersByTimeAsync(250);
    expect(seen).toEqual(['passed']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen).toEqual(['passed', 'limit.concurrency', 'limit.concurrency']);
  });
});

test.each(['limit.unavailable', 'limit.key_missing', 'limit.cost_too_high'])(
  'a denial that waiting cannot change is not waited for: %s',
  async (code) => {
    const check = vi.fn(() => deny('internal', code));
    const limit = definePolicy({ name: 'limit', role: 'check', purposes: ['limit'], check });
    const policy = waitForRoom(limit, { atMost: '1s' });
    expect(codeOf(await policy.check(request, {}))).toBe(code);
    expect(check).toHaveBeenCalledOnce();
  },
);

test('a limit that throws still does, and leaves nobody waiting', () => {
  const check = () => {
    throw new Error('mine');
  };
  const limit = definePolicy({ name: 'limit', role: 'check', purposes: ['limit'], check });
  expect(() => waitForRoom(limit, { atMost: '1s' }).check(request, {})).toThrow('mine');
});

test.each<[string, () => unknown]>([
  ['a policy that limits nothing', () => waitForRoom(allowAnonymous() as never, { atMost: '1s' })],
  [
    'several policies in one, which each look would charge anew',
    () =>
      waitForRoom(
        allOf(
          concurrencyLimit<Facts>({ limit: 5, by }),
          rateLimit<Facts>({ limit: tokenBucket({ capacity: 1, refillPerSecond: 1 }), by }),
        ),
        { atMost: '1s' },
      ),
  ],
  [
    'a limit whose denials are never waited for',
    () => waitForRoom(shedLoad({ maxInFlight: 1 }) as never, { atMost: '1s' }),
  ],
  ['no time', () => rated({ atMost: undefined as never })],
  ['a number of milliseconds', () => rated({ atMost: 2_000 as never })],
  ['more than half a minute', () => rated({ atMost: '31s' })],
  ['room for nobody', () => rated({ maxWaiting: 0 })],
  ['an unknown option', () => rated({ maxWait: '1s' } as never)],
])('cannot be constructed with %s', (_name, make) => {
  expect(make).toThrow(ConfigurationError);
});
