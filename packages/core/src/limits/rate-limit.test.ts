import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { LimitAnswer, LimitStore, SyncLimitStore } from '../contracts/limit-store.ts';
import type { Denial } from '../engine/denial.ts';
import { type Completion, listObligations } from '../engine/obligations.ts';
import type { Outcome } from '../engine/outcome.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { httpDenial } from '../wire/http.ts';
import { fixedWindow } from './fixed-window.ts';
import { memoryLimitStore } from './memory-limit-store.ts';
import { type RateLimitOptions, rateLimit } from './rate-limit.ts';
import { slidingWindow } from './sliding-window.ts';
import { tokenBucket } from './token-bucket.ts';

const START = 1_700_000_000_000;
const request = new Request('https://api.example.com/orders', { method: 'POST' });
const limit = tokenBucket({ capacity: 2, refillPerSecond: 1 });

interface Caller {
  readonly user: string;
  readonly plan?: string;
  readonly units?: number;
  readonly tenant?: unknown;
}
const ann: Caller = { user: 'ann' };
const bob: Caller = { user: 'bob' };
const by = (facts: Caller) => facts.user;

function policy(options: Partial<RateLimitOptions<Caller, SyncLimitStore | undefined>> = {}) {
  const clock = { now: START };
  const made = rateLimit<Caller>({
    ...(options.limits === undefined && { limit, by }),
    now: () => clock.now,
    ...options,
  } as RateLimitOptions<Caller, SyncLimitStore | undefined>);
  return { clock, check: (caller: Caller = ann) => made.check(request, caller) };
}

function denialOf(outcome: Outcome): Denial {
  if (outcome.ok) throw new Error('expected a denial');
  return outcome.denial;
}

function headersOf(outcome: Outcome): Record<string, string> {
  const all: Record<string, string> = {};
  for (const { headers = [] } of listObligations(outcome.obligations)) {
    for (const edit of headers) if (edit.op !== 'delete') all[edit.name] = edit.value;
  }
  return all;
}

const ENDING: Completion = { outcome: 'succeeded', facts: {}, trace: [] };

async function complete(outcome: Outcome, ending: Partial<Completion> = {}): Promise<void> {
  for (const { onComplete } of listObligations(outcome.obligations)) {
    await onComplete?.({ ...ENDING, ...ending });
  }
}

describe('one limit', () => {
  test('admits up to the limit, denies above it, and admits again when announced', () => {
    const { clock, check } = policy();
    expect([check().ok, check().ok, check().ok]).toEqual([true, true, false]);
    const denial = denialOf(check());
    expect(denial).toMatchObject({
      kind: 'rate_limited',
      code: 'limit.exceeded',
      retryAfterMs: 1_000,
    });
    clock.now += 999;
    expect(check().ok).toBe(false);
    clock.now += 1;
    expect(check().ok).toBe(true);
  });

  test('answers at once on the default store', () => {
    expect(isThenable(policy().check())).toBe(false);
  });

  test('counts each caller alone', () => {
    const { check } = policy();
    check(ann);
    check(ann);
    expect(check(ann).ok).toBe(false);
    expect(check(bob).ok).toBe(true);
  });

  test('counts everyone together if configured to', () => {
    const { check } = policy({ by: 'everyone' });
    expect([check(ann).ok, check(bob).ok, check(ann).ok]).toEqual([true, true, false]);
  });

  test('retryAfterMs keeps what is less than a second', () => {
    const { check } = policy({ limit: fixedWindow({ limit: 1, window: '250ms' }) });
    check();
    expect(denialOf(check()).retryAfterMs).toBe(250);
  });

  test('the denial names the limit as draft 10 says', () => {
    const { check } = policy({ name: 'burst', limit: fixedWindow({ limit: 1, window: '1s' }) });
    check();
    expect(denialOf(check()).problem).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      extensions: { 'violated-policies': ['burst'] },
    });
  });

  test('policies without a store never share a count', () => {
    const one = policy();
    const two = policy();
    one.check();
    one.check();
    expect(one.check().ok).toBe(false);
    expect(two.check().ok).toBe(true);
  });

  test('policies on one store share a count only by name', () => {
    const store = memoryLimitStore({ now: () => START });
    const one = policy({ store, name: 'orders' });
    const same = policy({ store, name: 'orders' });
    const other = policy({ store, name: 'carts' });
    one.check();
    same.check();
    expect(one.check().ok).toBe(false);
    expect(other.check().ok).toBe(true);
  });
});

describe('keys', () => {
  const key = (by: (facts: Caller) => unknown, caller: Caller = ann) =>
    policy({ by: by as (facts: Caller) => string }).check(caller);

  test.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['empty', () => ''],
    ['an empty list', () => []],
    ['a list with an empty part', () => ['a', '']],
    ['a list with a part that is missing', () => ['a', undefined]],
    ['no string', () => 7],
  ])('a key that is %s denies the call, as a fault of the server', (_, by) => {
    const denial = denialOf(key(by));
    expect(denial).toMatchObject({ kind: 'internal', code: 'limit.key_missing' });
    expect(String(denial.cause)).toMatch(/by\(\) returned no key.*peerFromHeader\(.*secure\(\)/);
    expect(denialOf(key(by)).cause).toBe(denial.cause);
  });

  test('why there is no key is for logs alone', () => {
    const denial = httpDenial(denialOf(key(() => undefined)));
    expect(JSON.stringify(denial)).not.toContain('by()');
  });

  test('keys of any length count, and those that differ in their last character are different', () => {
    const asked: string[] = [];
    const memory = memoryLimitStore({ now: () => START });
    const store: SyncLimitStore = {
      ...memory,
      consume: (requests) => {
        asked.push(...requests.map(({ key: each }) => each));
        return memory.consume(requests);
      },
    };
    const long = 'x'.repeat(8_192);
    const keys = [long, `${long}y`, `${long}z`, [long, 'y'], ['x', `${long.slice(1)}y`]];
    for (const each of keys) {
      const limit = { store, name: 'n', limit: tokenBucket({ capacity: 1, refillPerSecond: 1 }) };
      const { check } = policy({ ...limit, by: () => each });
      expect(check(ann).ok).toBe(true);
      expect(denialOf(check(ann)).code).toBe('limit.exceeded');
    }
    expect(new Set(asked).size).toBe(keys.length);
    expect(Math.max(...asked.map((each) => each.length))).toBe(8_192);
  });

  test('parts count together, whatever they contain', () => {
    const store = memoryLimitStore({ now: () => START });
    const keys: readonly (string | readonly string[])[] = [
      'a',
      'ab',
      'a:b',
      '1:a1:b',
      'p1:a1:b',
      '\0p1:a1:b',
      '\0sa',
      '\0*',
      '\0',
      ['a'],
      ['a', 'b'],
      ['a:b'],
      ['a', 'b:'],
      ['a:', 'b'],
      ['ab'],
      ['1:a', 'b'],
      ['a1:b'],
      ['\0p1:a1:b'],
      ['\0', 'a'],
      ['\0a'],
      ['*'],
    ];
    const used = fixedWindow({ limit: 1, window: '1s' });
    for (const by of keys) {
      const { check } = policy({ store, name: 'n', limit: used, by: () => by });
      expect(check().ok, JSON.stringify(by)).toBe(true);
      expect(check().ok, JSON.stringify(by)).toBe(false);
    }
    expect(policy({ store, name: 'n', limit: used, by: 'everyone' }).check().ok).toBe(true);
  });

  test.each([
    ['an id', 'acme', 'evil'],
    ['an object with an id', { id: 'acme' }, { id: 'evil' }],
  ])('the tenant is part of the key: %s', (_, acme, evil) => {
    const { check } = policy();
    check({ ...ann, tenant: acme });
    check({ ...ann, tenant: acme });
    expect(check({ ...ann, tenant: acme }).ok).toBe(false);
    expect(check({ ...ann, tenant: evil }).ok).toBe(true);
    expect(check(ann).ok).toBe(true);
  });

  test.each([{}, { id: undefined }, { id: '' }, '', true, { slug: 'acme' }])(
    'a tenant without an id (%j) denies rather than to count tenants together',
    (tenant) => {
      const denied = denialOf(policy().check({ ...ann, tenant }));
      expect(denied.code).toBe('limit.key_missing');
      expect(policy({ acrossTenants: true }).check({ ...ann, tenant }).ok).toBe(true);
    },
  );

  test('a tenant cannot be confused with a part of the key', () => {
    const { check } = policy({ limit: fixedWindow({ limit: 1, window: '1s' }) });
    expect(check({ tenant: 'a', user: 'b' }).ok).toBe(true);
    expect(check({ tenant: 'a1:b', user: 'b' }).ok).toBe(true);
    expect(check({ user: '\0t1:ab' }).ok).toBe(true);
    expect(check({ tenant: 'ab', user: 'b' }).ok).toBe(true);
    expect(check({ tenant: 'a', user: 'b' }).ok).toBe(false);
  });

  test('a limit may count over all tenants', () => {
    const { check } = policy({ acrossTenants: true });
    check({ ...ann, tenant: 'acme' });
    check({ ...ann, tenant: 'evil' });
    expect(check({ ...ann, tenant: 'third' }).ok).toBe(false);
  });
});

describe('costs', () => {
  test('a call costs what it is said to cost', () => {
    const { check } = policy({
      limit: tokenBucket({ capacity: 10, refillPerSecond: 1 }),
      cost: (_request, facts) => facts.units ?? 1,
    });
    expect(check({ ...ann, units: 8 }).ok).toBe(true);
    expect(denialOf(check({ ...ann, units: 5 }))).toMatchObject({ retryAfterMs: 3_000 });
    expect(check({ ...ann, units: 2 }).ok).toBe(true);
    expect(check({ ...ann, units: 0 }).ok).toBe(true);
  });

  test('a call that could never pass is denied without a retry time', () => {
    const { check } = policy({ cost: () => 3 });
    const denial = denialOf(check());
    expect(denial).toMatchObject({ kind: 'too_large', code: 'limit.cost_too_high' });
    expect(denial.retryAfterMs).toBeUndefined();
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, undefined, '1'])(
    'a cost of %s denies the call and takes nothing',
    (cost) => {
      let now: unknown = cost;
      const { check } = policy({ cost: () => now as number });
      expect(denialOf(check())).toMatchObject({ kind: 'internal', code: 'limit.cost_invalid' });
      now = 2;
      expect(check().ok).toBe(true);
    },
  );
});

describe('limits by facts', () => {
  const tiers = {
    free: tokenBucket({ capacity: 1, refillPerSecond: 1 }),
    paid: tokenBucket({ capacity: 3, refillPerSecond: 1 }),
  };

  test('each tier has its own limit, and unlimited is not counted or announced', () => {
    const { check } = policy({
      limit: ({ plan }) =>
        plan === 'admin' ? 'unlimited' : plan === 'paid' ? tiers.paid : tiers.free,
    });
    expect([check(ann).ok, check(ann).ok]).toEqual([true, false]);
    const paid = { ...bob, plan: 'paid' };
    expect([1, 2, 3, 4].map(() => check(paid).ok)).toEqual([true, true, true, false]);
    const admin = { user: 'root', plan: 'admin' };
    for (let call = 0; call < 10; call++) expect(headersOf(check(admin))).toEqual({});
  });

  test('a limit that is changed while it runs keeps what was used', () => {
    let current = tiers.paid;
    const { check } = policy({ limit: () => current });
    check();
    check();
    check();
    expect(check().ok).toBe(false);
    current = tokenBucket({ capacity: 4, refillPerSecond: 1 });
    expect([check().ok, check().ok]).toEqual([true, false]);
  });

  test.each([undefined, null, 'none', {}, { algorithm: 'bucket', capacity: 0 }])(
    'a limit function that answers %j denies, whatever onStoreFailure says',
    (answer) => {
      const { check } = policy({ limit: () => answer as never, onStoreFailure: 'open' });
      expect(denialOf(check())).toMatchObject({ kind: 'internal', code: 'limit.invalid' });
    },
  );
});

describe('several limits', () => {
  const limits = [
    { name: 'user', limit: tokenBucket({ capacity: 10, refillPerSecond: 1 }), by },
    { name: 'all', limit: slidingWindow({ limit: 3, window: '1m' }), by: 'everyone' as const },
  ];

  test('are charged together or not at all', () => {
    const { check } = policy({ limits, limit: undefined, by: undefined });
    for (let call = 0; call < 3; call++) expect(check().ok).toBe(true);
    for (let call = 0; call < 20; call++) expect(check().ok).toBe(false);
    const denied = check();
    expect(denialOf(denied).problem?.extensions).toEqual({ 'violated-policies': ['all'] });
    expect(headersOf(denied)['ratelimit']).toMatch(/^"user";r=7;t=3, "all";r=0;t=\d+$/);
  });

  test('the caller is asked to wait for the last of them', () => {
    const { check } = policy({
      limits: [
        { name: 'short', limit: fixedWindow({ limit: 1, window: '1s' }), by },
        { name: 'long', limit: tokenBucket({ capacity: 1, refillPerSecond: 0.1 }), by },
      ],
      limit: undefined,
      by: undefined,
    });
    check();
    const denial = denialOf(check());
    expect(denial.retryAfterMs).toBe(10_000);
    expect(denial.problem?.extensions).toEqual({ 'violated-policies': ['short', 'long'] });
  });

  test('each may cost something else', () => {
    const { check } = policy({
      limits: [
        { name: 'calls', limit: tokenBucket({ capacity: 9, refillPerSecond: 1 }), by },
        {
          name: 'bytes',
          limit: tokenBucket({ capacity: 1_000, refillPerSecond: 1 }),
          by,
          cost: () => 400,
          unit: 'content-bytes',
        },
      ],
      limit: undefined,
      by: undefined,
    });
    expect(headersOf(check())).toEqual({
      'ratelimit-policy': '"calls";q=9;w=9, "bytes";q=1000;w=1000;qu="content-bytes"',
      ratelimit: '"calls";r=8;t=1, "bytes";r=600;t=400',
    });
  });
});

describe('headers', () => {
  test('allowed and denied callers get the same fields', () => {
    const { check } = policy({ name: 'burst' });
    expect(headersOf(check())).toEqual({
      'ratelimit-policy': '"burst";q=2;w=2',
      ratelimit: '"burst";r=1;t=1',
    });
    check();
    expect(headersOf(check())).toEqual({
      'ratelimit-policy': '"burst";q=2;w=2',
      ratelimit: '"burst";r=0;t=1',
    });
  });

  test('reuses fields that were built before, and each caller gets its own', () => {
    const free = tokenBucket({ capacity: 9, refillPerSecond: 1 });
    const paid = tokenBucket({ capacity: 9, refillPerSecond: 3 });
    const { check } = policy({ limit: ({ plan }) => (plan === 'paid' ? paid : free) });
    const told = (user: string, plan: string) => headersOf(check({ user, plan }));
    for (let caller = 0; caller < 3; caller++) {
      expect(told(`free ${caller}`, 'free')).toEqual({
        'ratelimit-policy': '"default";q=9;w=9',
        ratelimit: '"default";r=8;t=1',
      });
      expect(told(`paid ${caller}`, 'paid')).toEqual({
        'ratelimit-policy': '"default";q=9;w=3',
        ratelimit: '"default";r=8;t=1',
      });
    }
  });

  test('names are escaped as structured fields', () => {
    const { check } = policy({ name: 'a "b" \\c' });
    expect(headersOf(check())['ratelimit']).toBe('"a \\"b\\" \\\\c";r=1;t=1');
  });

  test('several policies append theirs', () => {
    const [edit] = listObligations(policy().check().obligations).flatMap(
      ({ headers = [] }) => headers,
    );
    expect(edit?.op).toBe('append');
  });

  test('the partition is sent as a byte sequence if configured', () => {
    const { check } = policy({ partition: (facts) => `ü ${facts.user}` });
    expect(headersOf(check())).toEqual({
      'ratelimit-policy': '"default";q=2;w=2;pk=:w7wgYW5u:',
      ratelimit: '"default";r=1;t=1;pk=:w7wgYW5u:',
    });
  });

  test('a partition that throws charges nothing', () => {
    const { check } = policy({
      by: 'everyone',
      partition: ({ user }: Caller) => user.toUpperCase(),
    });
    for (let call = 0; call < 3; call++) expect(() => check({} as Caller)).toThrow();
    expect([check().ok, check().ok, check().ok]).toEqual([true, true, false]);
  });

  test('only limits with a partition send one', () => {
    const { check } = policy({
      limits: [
        { name: 'user', limit, by, partition: ({ user }) => user },
        { name: 'plan', limit: () => 'unlimited', by, partition: () => 'never asked' },
        { name: 'all', limit, by: 'everyone' },
      ],
      limit: undefined,
      by: undefined,
    });
    expect(headersOf(check())['ratelimit']).toBe('"user";r=1;t=1;pk=:YW5u:, "all";r=1;t=1');
  });

  test('a window below a second and fractions are sent as whole numbers, never too high', () => {
    const { check } = policy({ limit: fixedWindow({ limit: 2.5, window: '300ms' }), cost: 0.25 });
    expect(headersOf(check())).toEqual({
      'ratelimit-policy': '"default";q=2;w=1',
      ratelimit: '"default";r=2;t=1',
    });
  });

  test('the older headers describe the tightest limit', () => {
    const { check } = policy({
      headers: 'both',
      limits: [
        { name: 'wide', limit: tokenBucket({ capacity: 100, refillPerSecond: 1 }), by },
        { name: 'tight', limit: fixedWindow({ limit: 4, window: '10s' }), by },
      ],
      limit: undefined,
      by: undefined,
    });
    expect(headersOf(check())).toMatchObject({
      'x-ratelimit-limit': '4',
      'x-ratelimit-remaining': '3',
      'x-ratelimit-reset': String(START / 1_000 + 10),
      ratelimit: '"wide";r=99;t=1, "tight";r=3;t=10',
    });
  });

  test('whatever a store says, only integers stand in them', async () => {
    const odd = { allowed: true, remaining: Number.NaN, resetAfterMs: 1e300, retryAfterMs: 0 };
    const store: LimitStore = {
      consume: async () => ({ allowed: true, at: 0, verdicts: [odd] }),
      reconcile: () => undefined,
    };
    const outcome = await rateLimit<Caller>({ limit, by, store, name: 'n' }).check(request, ann);
    expect(headersOf(outcome)['ratelimit']).toBe('"n";r=0;t=999999999999999');
  });

  test('none are sent where none are wanted, and Retry-After stays', () => {
    const { check } = policy({ headers: 'none' });
    expect(headersOf(check())).toEqual({});
    check();
    expect(denialOf(check()).retryAfterMs).toBe(1_000);
  });
});

describe('reconciling', () => {
  const ten = tokenBucket({ capacity: 10, refillPerSecond: 0.001 });

  test('there is nothing to do without a reconcile', () => {
    const obligations = listObligations(policy().check().obligations);
    expect(obligations.some(({ onComplete }) => onComplete)).toBe(false);
  });

  test('the unused part of a cost is given back', async () => {
    const { check } = policy({ limit: ten, cost: 8, reconcile: ({ status = 0 }) => status / 100 });
    await complete(check(), { status: 200 });
    expect(headersOf(check())['ratelimit']).toContain(';r=0;');
    expect(check().ok).toBe(false);
  });

  test('an additional cost is charged', async () => {
    const { check } = policy({ limit: ten, reconcile: () => 10 });
    await complete(check());
    expect(check().ok).toBe(false);
  });

  test.each([
    ['failed', 10],
    ['denied', 9],
    ['aborted', 9],
    ['succeeded', 9],
  ] as const)('a call that %s leaves %s', async (outcome, left) => {
    const { check } = policy({
      limit: ten,
      reconcile: (ending, cost) => (ending.outcome === 'failed' ? 0 : cost),
    });
    await complete(check(), { outcome });
    expect(headersOf(check())['ratelimit']).toContain(`;r=${left - 1};`);
  });

  test.each([Number.NaN, -5, Number.POSITIVE_INFINITY])(
    'a real cost of %s is reported as a fault and changes nothing',
    async (actual) => {
      const { check } = policy({ limit: ten, reconcile: () => actual });
      await expect(complete(check())).rejects.toThrow(
        'rateLimit: reconcile of "default" must return a cost.',
      );
      expect(headersOf(check())['ratelimit']).toContain(';r=8;');
    },
  );

  test('a denied call has nothing to reconcile', () => {
    const { check } = policy({ reconcile: () => 0 });
    check();
    check();
    expect(listObligations(check().obligations).some(({ onComplete }) => onComplete)).toBe(false);
  });
});

describe('a store that fails', () => {
  const down = new Error('ECONNREFUSED 127.0.0.1:6379');
  const nonsense = { allowed: true, at: 0, verdicts: [] } satisfies LimitAnswer;
  const failing: Record<string, () => LimitStore['consume']> = {
    throws: () => () => {
      throw down;
    },
    rejects: () => () => Promise.reject(down),
    'does not answer in time': () => () => new Promise(() => undefined),
    'answers nothing': () => () => undefined as unknown as LimitAnswer,
    'admits without a verdict': () => async () => nonsense,
    'answers yes in its own words': () => async () =>
      ({ ...nonsense, verdicts: [{}], allowed: 'yes' }) as unknown as LimitAnswer,
  };
  const check = (
    consume: LimitStore['consume'],
    options: Partial<RateLimitOptions<Caller>> = {},
    reconcile: LimitStore['reconcile'] = () => undefined,
  ) =>
    rateLimit<Caller>({
      limit,
      by,
      name: 'n',
      store: { consume, reconcile },
      timeout: '20ms',
      ...options,
    } as RateLimitOptions<Caller>);

  /** Later than any time limit, also where the process stood still for a while. */
  const lateAnswer = () => {
    let answer: () => void = () => undefined;
    const late = new Promise<void>((done) => {
      answer = done;
    });
    return { late, answer: () => answer() };
  };

  for (const [how, make] of Object.entries(failing)) {
    test(`${how}: denies as unavailable by default`, async () => {
      const denial = denialOf(await check(make()).check(request, ann));
      expect(denial).toMatchObject({ kind: 'unavailable', code: 'limit.unavailable' });
      expect(denial.cause).toBeDefined();
      expect(denial.detail).toBeUndefined();
      const type = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';
      expect(denial.problem).toEqual({ type });
    });

    test(`${how}: passes uncounted where it may be open, and says so`, async () => {
      const outcome = await check(make(), { onStoreFailure: 'open' }).check(request, ann);
      expect(outcome).toMatchObject({ ok: true, degraded: 'limit.uncounted' });
    });

    test(`${how}: counts a local share where it may degrade, and says so`, async () => {
      const wide = tokenBucket({ capacity: 8, refillPerSecond: 0.001 });
      const options = { limit: wide, onStoreFailure: 'degrade', localShare: 0.25 } as const;
      const policy = check(make(), options);
      const outcomes = [1, 2, 3].map(async () => policy.check(request, ann));
      const [one, two, three] = await Promise.all(outcomes);
      expect(one).toMatchObject({ ok: true, degraded: 'limit.local_share' });
      expect(two?.ok).toBe(true);
      expect(three && denialOf(three).code).toBe('limit.exceeded');
    });
  }

  test('a share of little still lets single calls in', async () => {
    const policy = check(failing['rejects']?.() as LimitStore['consume'], {
      onStoreFailure: 'degrade',
      localShare: 0.001,
      cost: 2,
    });
    expect((await policy.check(request, ann)).ok).toBe(true);
    expect((await policy.check(request, ann)).ok).toBe(false);
  });

  test('a degraded cost is reconciled where it was counted', async () => {
    const reconcile = vi.fn();
    const options = {
      onStoreFailure: 'degrade',
      localShare: 1,
      cost: 2,
      reconcile: () => 0,
    } as const;
    const policy = check(() => Promise.reject(down), options, reconcile);
    await complete(await policy.check(request, ann));
    expect((await policy.check(request, ann)).ok).toBe(true);
    expect(reconcile).not.toHaveBeenCalled();
  });

  test('an answer that comes too late is given back', async () => {
    const store = memoryLimitStore({ now: () => START });
    const settled = vi.fn();
    const { late, answer } = lateAnswer();
    const slow = check(
      async (requests) => {
        await late;
        return store.consume(requests);
      },
      {},
      (reconciliations) => {
        store.reconcile(reconciliations);
        settled();
      },
    );
    expect((await slow.check(request, ann)).ok).toBe(false);
    answer();
    await vi.waitFor(() => expect(settled).toHaveBeenCalled(), 20_000);
    const [verdict] = store.consume([{ name: 'n', key: 'ann', limit, cost: 0 }]).verdicts;
    expect(verdict?.remaining).toBe(2);
  });

  test.each([
    ['goes on uncounted', { onStoreFailure: 'open' }],
    ['was counted locally', { onStoreFailure: 'degrade', localShare: 1 }],
  ] as const)('a charge that comes too late stands where the call %s', async (_, options) => {
    const reconcile = vi.fn();
    const answerOf = vi.fn(memoryLimitStore({ now: () => START }).consume);
    const { late, answer } = lateAnswer();
    const slow = check(
      async (requests) => {
        await late;
        return answerOf(requests);
      },
      options,
      reconcile,
    );
    expect((await slow.check(request, ann)).ok).toBe(true);
    answer();
    await vi.waitFor(() => expect(answerOf).toHaveBeenCalled(), 20_000);
    await new Promise((done) => setTimeout(done, 5));
    expect(reconcile).not.toHaveBeenCalled();
  });

  test('a decision may take a second where nothing else is said', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const store: LimitStore = {
      consume: () => new Promise(() => undefined),
      reconcile: () => undefined,
    };
    let outcome: Outcome | undefined;
    const asked = async () => {
      outcome = await rateLimit<Caller>({ limit, by, name: 'n', store }).check(request, ann);
    };
    const decided = asked();
    await vi.advanceTimersByTimeAsync(999);
    expect(outcome).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await decided;
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'limit.unavailable' } });
  });

  test('a store that answers in time is believed, and its own weakness is passed on', async () => {
    const store = memoryLimitStore({ now: () => START });
    const policy = check(async (requests) => ({ ...store.consume(requests), degraded: 'lease' }));
    expect(await policy.check(request, ann)).toMatchObject({ ok: true, degraded: 'lease' });
  });
});

describe('many calls at the same moment', () => {
  // Covers: API4:2023, V2.4.1
  test('exactly as many pass as the limit has', async () => {
    const store = memoryLimitStore({ now: () => START });
    const made = rateLimit<Caller>({
      limit: tokenBucket({ capacity: 25, refillPerSecond: 1 }),
      by,
      name: 'n',
      store: { ...store, consume: async (requests) => store.consume(requests) },
    });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async () => made.check(request, ann)),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(25);
  });
});

describe('cannot be constructed', () => {
  test.each([
    ['without a limit', { limit: undefined }, /give it a limit/],
    ['with a limit of nonsense', { limit: { algorithm: 'none' } }, /give it a limit/],
    ['without saying who is counted', { by: undefined }, /who is counted/],
    ['with an empty name', { name: '' }, /printable ASCII/],
    [
      'with a name that cannot stand in a header',
      { name: 'a\r\nSet-Cookie: b' },
      /printable ASCII/,
    ],
    ['with a name beyond ASCII', { name: 'größe' }, /printable ASCII/],
    ['with a unit that cannot stand in a header', { unit: 'a\nb' }, /printable ASCII/],
    ['with a cost that nobody can pay', { cost: 3 }, /every call would be denied/],
    ['with a cost that is none', { cost: -1 }, /cost must be/],
    ['with a cost that is no number', { cost: Number.NaN }, /cost must be/],
    ['on a store without a name', { store: memoryLimitStore() }, /give the limit a name/],
    ['with an unknown onStoreFailure', { onStoreFailure: 'ignore' }, /onStoreFailure/],
    ['with degrade and no share', { onStoreFailure: 'degrade' }, /localShare/],
    ['with a share above the whole', { onStoreFailure: 'degrade', localShare: 1.5 }, /localShare/],
    ['with a share and no degrade', { localShare: 0.5 }, /onStoreFailure: 'degrade'/],
    [
      'with a share where it is open',
      { localShare: 0.5, onStoreFailure: 'open' },
      /onStoreFailure: 'degrade'/,
    ],
    [
      'on a store that is none',
      { name: 'n', store: {} },
      /store must have consume\(\) and reconcile/,
    ],
    ['on half a store', { name: 'n', store: { consume: () => undefined } }, /store must have/],
    ['on a store that is missing', { name: 'n', store: null }, /store must have/],
    ['with a timeout of nothing', { timeout: '0ms' }, /timeout/],
    ['with a timeout without its unit', { timeout: 500 }, /500 has no unit/],
    ['with an option that it does not know', { onError: 'open' }, /"onError" is not an option/],
    [
      'with an unknown option in one of several limits',
      {
        limits: [
          { name: 'a', limit: tokenBucket({ capacity: 1, refillPerSecond: 1 }), by, costs: 2 },
        ],
      },
      /"costs" is not an option/,
    ],
    [
      'with an option beside limits that each of them has',
      { limits: [{ name: 'a', limit, by }], cost: 2 },
      /cost cannot stand next to limits/,
    ],
    ['with unknown headers', { headers: 'all' }, /headers/],
    ['with an empty list of limits', { limits: [] }, /from one to 16/],
    [
      'with two limits of one name',
      { limits: [1, 2].map(() => ({ name: 'same', limit, by })) },
      /same name/,
    ],
    [
      'with more limits than one step holds',
      { limits: Array.from({ length: 17 }, (_, n) => ({ name: `${n}`, limit, by })) },
      /from one to 16/,
    ],
  ])('%s', (_, options, message) => {
    const single = 'limits' in options ? {} : { limit, by };
    expect(() => rateLimit({ ...single, ...options } as never)).toThrow(message);
  });
});
