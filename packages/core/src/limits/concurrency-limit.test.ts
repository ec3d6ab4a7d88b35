import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LeaseAnswer, LeaseStore } from '../contracts/lease-store.ts';
import type { Denial } from '../engine/denial.ts';
import { type Completion, listObligations } from '../engine/obligations.ts';
import type { Outcome } from '../engine/outcome.ts';
import { type ConcurrencyLimitOptions, concurrencyLimit } from './concurrency-limit.ts';
import { memoryLeaseStore } from './memory-lease-store.ts';

const START = 1_700_000_000_000;
const request = new Request('https://api.example.com/orders');

interface Caller {
  readonly user: string;
  readonly most?: unknown;
}
const ann: Caller = { user: 'ann' };
const by = (facts: Caller) => facts.user;

function denialOf(outcome: Outcome): Denial {
  if (outcome.ok) throw new Error('expected a denial');
  return outcome.denial;
}

function headersOf(outcome: Outcome): string[] {
  return listObligations(outcome.obligations).flatMap(({ headers = [] }) =>
    headers.map((edit) => (edit.op === 'delete' ? '' : `${edit.name}: ${edit.value}`)),
  );
}

async function complete(outcome: Outcome, ending: Completion['outcome'] = 'succeeded') {
  for (const { onComplete } of listObligations(outcome.obligations)) {
    await onComplete?.({ outcome: ending, facts: {}, trace: [] });
  }
}

test('admits as many calls as may run at once, and one more for each that ends', async () => {
  const policy = concurrencyLimit<Caller>({ limit: 2, by });
  const check = () => policy.check(request, ann);
  const first = check();
  expect(first.ok).toBe(true);
  expect(check().ok).toBe(true);
  const denial = denialOf(check());
  expect(denial).toMatchObject({
    kind: 'rate_limited',
    code: 'limit.concurrency',
    retryAfterMs: 1_000,
  });
  expect(denial.problem).toEqual({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    extensions: { 'violated-policies': ['concurrent'] },
  });
  expect(policy.check(request, { user: 'bob' }).ok).toBe(true);
  await complete(first);
  expect([check().ok, check().ok]).toEqual([true, false]);
});

test.each(['succeeded', 'failed', 'denied', 'aborted'] as const)(
  'a call that %s no longer counts',
  async (ending) => {
    const policy = concurrencyLimit<Caller>({ limit: 1, by });
    const outcome = policy.check(request, ann);
    expect(policy.check(request, ann).ok).toBe(false);
    await complete(outcome, ending);
    expect(policy.check(request, ann).ok).toBe(true);
  },
);

describe('abortedTtl: a call whose caller left', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }));
  afterEach(() => void vi.useRealTimers());

  test('keeps its place for that long, so that who leaves at once has no more of them', async () => {
    const policy = concurrencyLimit<Caller>({ limit: 2, by, abortedTtl: '5s' });
    const tried = async (ending: Completion['outcome']): Promise<boolean> => {
      const outcome = policy.check(request, ann);
      await complete(outcome, ending);
      return outcome.ok;
    };
    const left: boolean[] = [];
    for (let call = 0; call < 5; call++) left.push(await tried('aborted'));
    expect(left).toEqual([true, true, false, false, false]);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(policy.check(request, ann).ok).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect([await tried('succeeded'), await tried('failed'), await tried('denied')]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('keeps it until its lease runs out where the store fails', async () => {
    const own = memoryLeaseStore();
    const release = vi.fn(() => Promise.reject(new Error('away')));
    const store: LeaseStore = { acquire: own.acquire, release };
    const policy = concurrencyLimit<Caller>({
      limit: 1,
      by,
      store,
      name: 'one',
      ttl: '9s',
      abortedTtl: '1ms',
    });
    await complete(await policy.check(request, ann), 'aborted');
    await vi.advanceTimersByTimeAsync(8_999);
    expect(release).toHaveBeenCalledTimes(1);
    expect((await policy.check(request, ann)).ok).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await policy.check(request, ann)).ok).toBe(true);
  });

  test.each(['-1ms', 'soon', 5_000, '60001ms'])('cannot be constructed with %s', (abortedTtl) => {
    expect(() => concurrencyLimit<Caller>({ limit: 1, by, abortedTtl } as never)).toThrow(
      'abortedTtl must be',
    );
  });
});

test('a call whose end is never reported counts until its lease runs out', () => {
  let now = START;
  const policy = concurrencyLimit<Caller>({ limit: 1, by, ttl: '5s', now: () => now });
  policy.check(request, ann);
  now += 4_999;
  expect(policy.check(request, ann).ok).toBe(false);
  now += 1;
  expect(policy.check(request, ann).ok).toBe(true);
});

test('a call counts for a minute where nothing else is said', () => {
  let now = START;
  const policy = concurrencyLimit<Caller>({ limit: 1, by, now: () => now });
  policy.check(request, ann);
  now += 59_999;
  expect(policy.check(request, ann).ok).toBe(false);
  now += 1;
  expect(policy.check(request, ann).ok).toBe(true);
});

test('allowed and denied callers are told how many more may run', () => {
  const policy = concurrencyLimit<Caller>({ limit: 1, by });
  const expected = [
    'ratelimit-policy: "concurrent";q=1;qu="concurrent-requests"',
    'ratelimit: "concurrent";r=0',
  ];
  expect(headersOf(policy.check(request, ann))).toEqual(expected);
  expect(headersOf(policy.check(request, ann))).toEqual(expected);
  const quiet = concurrencyLimit<Caller>({ limit: 1, by, headers: 'none' });
  expect(headersOf(quiet.check(request, ann))).toEqual([]);
});

test('the limit may depend on the facts', () => {
  const policy = concurrencyLimit<Caller>({ limit: (facts) => facts.most as number, by });
  const check = (most: unknown) => policy.check(request, { ...ann, most });
  expect([check(1).ok, check(1).ok, check(2).ok, check('unlimited').ok]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  for (const most of [0, -1, 1.5, Number.NaN, undefined, '5']) {
    expect(denialOf(check(most))).toMatchObject({ kind: 'internal', code: 'limit.invalid' });
  }
});

test('a call that names nobody is denied as a fault of the server', () => {
  const policy = concurrencyLimit<Caller>({ limit: 1, by: () => undefined });
  const denial = denialOf(policy.check(request, ann));
  expect(denial).toMatchObject({ kind: 'internal', code: 'limit.key_missing' });
  expect(String(denial.cause)).toContain('by() returned no key');
});

test('a partition that throws takes no place', () => {
  const store = memoryLeaseStore();
  const acquire = vi.fn(store.acquire);
  const partition = ({ user }: Caller) => user.toUpperCase();
  const policy = concurrencyLimit<Caller>({
    limit: 1,
    by: 'everyone',
    name: 'n',
    partition,
    store: { ...store, acquire },
  });
  const nobody = {} as Caller;
  for (let call = 0; call < 3; call++) expect(() => policy.check(request, nobody)).toThrow();
  expect(acquire).not.toHaveBeenCalled();
  const outcome = policy.check(request, ann) as Outcome;
  expect(headersOf(outcome)).toContain('ratelimit: "n";r=0;pk=:QU5O:');
});

test('exactly as many concurrent calls run as the limit allows', async () => {
  const store = memoryLeaseStore();
  const slow: LeaseStore = { ...store, acquire: async (asked) => store.acquire(asked) };
  const policy = concurrencyLimit<Caller>({ limit: 7, by, name: 'n', store: slow });
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async () => policy.check(request, ann)),
  );
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(7);
});

describe('a store that fails', () => {
  const failing: Record<string, LeaseStore['acquire']> = {
    throws: () => {
      throw new Error('down');
    },
    rejects: () => Promise.reject(new Error('down')),
    'does not answer in time': () => new Promise(() => undefined),
    'gives no lease': async () => ({ allowed: true, remaining: 1 }),
    'answers nothing': () => undefined as unknown as LeaseAnswer,
  };
  const policy = (
    acquire: LeaseStore['acquire'],
    options: Partial<ConcurrencyLimitOptions<Caller>> = {},
    release: LeaseStore['release'] = () => undefined,
  ) =>
    concurrencyLimit<Caller>({
      limit: 4,
      by,
      name: 'n',
      timeout: '20ms',
      store: { acquire, release },
      ...options,
    });

  for (const [how, acquire] of Object.entries(failing)) {
    test(`${how}: follows onStoreFailure`, async () => {
      expect(denialOf(await policy(acquire).check(request, ann))).toMatchObject({
        kind: 'unavailable',
        code: 'limit.unavailable',
        problem: {
          type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
        },
      });
      expect(await policy(acquire, { onStoreFailure: 'open' }).check(request, ann)).toMatchObject({
        ok: true,
        degraded: 'limit.uncounted',
      });
      const local = policy(acquire, { onStoreFailure: 'degrade', localShare: 0.5 });
      const outcomes = await Promise.all([1, 2, 3].map(async () => local.check(request, ann)));
      expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, false]);
      expect(outcomes[0]).toMatchObject({ degraded: 'limit.local_share' });
      await complete(outcomes[0] as Outcome);
      expect((await local.check(request, ann)).ok).toBe(true);
    });
  }

  test.each([
    ['is denied', { onStoreFailure: 'closed' }],
    ['goes on uncounted', { onStoreFailure: 'open' }],
    ['holds a local lease', { onStoreFailure: 'degrade', localShare: 1 }],
  ] as const)('a lease that comes too late is given back: the call %s', async (_, options) => {
    const store = memoryLeaseStore();
    const release = vi.fn(store.release);
    const slow = policy(
      (asked) => new Promise((done) => setTimeout(() => done(store.acquire(asked)), 60)),
      options,
      release,
    );
    const outcome = await slow.check(request, ann);
    expect(outcome.ok).toBe(options.onStoreFailure !== 'closed');
    // The call is still running.
    await vi.waitFor(() => expect(release).toHaveBeenCalledOnce(), 20_000);
    const asked = { name: 'n', key: 'ann', limit: 1, ttl: 1_000 };
    expect(store.acquire(asked).allowed).toBe(true);
    await complete(outcome);
    expect(release).toHaveBeenCalledOnce();
  });
});

test.each([
  ['a limit of none', { limit: 0 }, /limit must be/],
  ['a limit of a fraction', { limit: 1.5 }, /limit must be/],
  ['nobody to count', { by: undefined }, /who is counted/],
  ['a ttl of nothing', { ttl: '0ms' }, /ttl/],
  ['a ttl without its unit', { ttl: 60_000 }, /60000 has no unit/],
  ['an option that it does not know', { onError: 'open' }, /"onError" is not an option/],
  ['a name that cannot stand in a header', { name: 'a\nb' }, /printable ASCII/],
  ['a store and no name', { store: memoryLeaseStore() }, /give the limit a name/],
  ['unknown headers', { headers: 'both' }, /headers/],
  ['degrade and no share', { onStoreFailure: 'degrade' }, /localShare/],
  ['a share and no degrade', { localShare: 0.5 }, /onStoreFailure: 'degrade'/],
  ['a store that is none', { name: 'n', store: {} }, /store must have acquire\(\) and release/],
  ['half a store', { name: 'n', store: { acquire: () => undefined } }, /store must have/],
  ['a store that is missing', { name: 'n', store: null }, /store must have/],
])('cannot be constructed with %s', (_, options, message) => {
  expect(() => concurrencyLimit({ limit: 1, by, ...options } as never)).toThrow(message);
});
