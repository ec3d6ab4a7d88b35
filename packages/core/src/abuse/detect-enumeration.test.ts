import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { pathOf } from '../engine/request.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type DetectEnumerationOptions, detectEnumeration } from './detect-enumeration.ts';

const START = 1_700_000_000_000;
const WINDOW = 60_000;

interface Caller {
  readonly who: string;
}

function detector(options: Partial<DetectEnumerationOptions<Caller>> = {}) {
  const clock = { time: START };
  const policy = detectEnumeration<Caller>({
    by: (facts) => facts.who,
    object: (request) => /^\/orders\/([^/]+)$/.exec(pathOf(request))?.[1],
    limit: 10,
    now: () => clock.time,
    seed: () => [1, 2],
    ...options,
  });
  const ask = (id: string | number, who = 'alice') =>
    policy.check({ method: 'GET', url: `/orders/${id}`, headers: new Headers() }, { who });
  const count = (ids: number, who?: string) => {
    let passed = 0;
    while (passed < ids && ask(passed, who).ok) passed++;
    return passed;
  };
  return { policy, clock, ask, count };
}

describe('a caller', () => {
  test('who goes through objects is denied until the window has ended', () => {
    const { ask, count, clock } = detector({ limit: 50 });
    expect(count(1_000)).toBeGreaterThanOrEqual(50);
    clock.time += 20_000;
    expect(ask('another')).toMatchObject({
      ok: false,
      denial: {
        kind: 'rate_limited',
        code: 'enumeration.detected',
        retryAfterMs: 40_000,
        problem: { type: expect.stringMatching(/#abnormal-usage-detected$/) },
      },
    });
    clock.time += 39_999;
    expect(ask('another')).toMatchObject({ ok: false, denial: { retryAfterMs: 1 } });
    clock.time += 1;
    expect(ask('another').ok).toBe(true);
  });

  test('who asks for the same objects again and again is not', () => {
    const { ask } = detector();
    for (let call = 0; call < 10_000; call++) expect(ask(call % 10).ok).toBe(true);
  });

  test('who asks for no object is not counted', () => {
    const { policy } = detector();
    const request = { method: 'GET', url: '/orders', headers: new Headers() };
    for (let call = 0; call < 100; call++) expect(policy.check(request, { who: '' }).ok).toBe(true);
  });

  test('who was found out is denied for objects of before as well', () => {
    const { ask, count } = detector();
    count(1_000);
    for (let id = 0; id < 1_000; id++) expect(ask(id).ok).toBe(false);
  });

  test('is not denied for what another one asked for', () => {
    const { ask, count } = detector();
    expect(count(1_000)).toBeLessThan(1_000);
    expect(ask(1, 'bob').ok).toBe(true);
  });

  test('without a key is denied', () => {
    expect(detector().ask(1, '')).toMatchObject({
      ok: false,
      denial: { kind: 'internal', code: 'enumeration.key_missing' },
    });
  });

  test('of one tenant is not that of another', () => {
    const policy = detectEnumeration({
      by: (facts: Caller & { tenant: string }) => facts.who,
      object: (request) => request.url,
      limit: 1,
      // Two ids may share a bit; with this seed these do not.
      seed: () => [1, 2],
    });
    const ask = (url: string, tenant: string) =>
      policy.check({ method: 'GET', url, headers: new Headers() }, { who: 'alice', tenant }).ok;
    expect([ask('/1', 'a'), ask('/2', 'a'), ask('/2', 'b')]).toEqual([true, false, true]);
  });
});

test('an id that is no id is one object more, and no way around', () => {
  const ids = ['', 'x'.repeat(9_000), []];
  const policy = detectEnumeration<{ n: number }>({
    by: () => 'alice',
    object: (_, { n }) => ids[n] ?? `${n}`,
    limit: 3,
    seed: () => [1, 2],
  });
  const request = { method: 'GET', url: '/', headers: new Headers() };
  const passed = Array.from({ length: 20 }, (_, n) => policy.check(request, { n }).ok);
  expect(passed.filter(Boolean).length).toBeLessThan(8);
});

test.each<[string, (n: number) => unknown]>([
  ['too long to be a key', (n) => `${n}`.padStart(9_000, '0')],
  ['too long, and different in the middle', (n) => 'x'.repeat(9_000) + n + 'x'.repeat(9_000)],
  ['too long in parts', (n) => ['shop', `${n}`.padStart(9_000, '0')]],
  ['in many parts', (n) => [...Array(9_000).fill('x'), `${n}`]],
  ['a number', (n) => n],
  ['a number among parts', (n) => ['shop', n]],
  ['an object', (n) => ({ n })],
  ['a part and nothing', (n) => [`${n}`, '']],
])('ids are told from one another: %s', (_, idOf) => {
  const policy = detectEnumeration<{ n: number }>({
    by: () => 'alice',
    // What callers send need not be of the type that was hoped for.
    object: (_request, { n }) => idOf(n) as string,
    limit: 10,
    seed: () => [1, 2],
  });
  const ask = (n: number) =>
    policy.check({ method: 'GET', url: '/', headers: new Headers() }, { n }).ok;
  expect(Array.from({ length: 10 }, (_each, n) => ask(n)).every(Boolean)).toBe(true);
  expect(Array.from({ length: 40 }, (_each, n) => ask(n)).filter(Boolean).length).toBeLessThan(20);
});

test.each<[string, string | readonly string[]]>([
  ['too long', 'x'.repeat(9_000)],
  ['too long in parts', ['x', 'x'.repeat(9_000)]],
  ['empty', ''],
])('the same id again is free: %s', (_, id) => {
  const policy = detectEnumeration({ by: () => 'alice', object: () => id, limit: 1 });
  const request = { method: 'GET', url: '/', headers: new Headers() };
  for (let call = 0; call < 50; call++) expect(policy.check(request, {}).ok).toBe(true);
});

test.each<[string, (id: number) => string]>([
  ['as it is meant', (id) => `/orders/${id}`],
  ['with a slash at the end', (id) => `/orders/${id}/`],
  ['in another case', (id) => `/ORDERS/${id}`],
  ['with slashes twice', (id) => `//orders//${id}//`],
  ['with a query', (id) => `/orders/${id}/?page=1/1`],
  ['below another path', (id) => `/api/orders/${id}`],
])('the example counts what a router may take for its route: %s', (_, target) => {
  const policy = detectEnumeration<Caller>({
    by: (facts) => facts.who,
    object: (request) => pathOf(request).split('/').filter(Boolean).at(-1),
    limit: 10,
    seed: () => [1, 2],
  });
  const ask = (id: number) =>
    policy.check({ method: 'GET', url: target(id), headers: new Headers() }, { who: 'alice' }).ok;
  expect(Array.from({ length: 50 }, (_each, id) => ask(id)).filter(Boolean).length).toBeLessThan(
    20,
  );
});

describe('the stated error', () => {
  test('no caller is denied for as many objects as the limit, whatever the ids and the seed', () => {
    const seed = fc.tuple(fc.integer(), fc.integer());
    const ids = fc.uniqueArray(fc.string({ unit: 'grapheme' }), { maxLength: 40 });
    fc.assert(
      fc.property(seed, ids, fc.nat(3), (seeds, objects, repeats) => {
        const policy = detectEnumeration<Caller>({
          by: (facts) => facts.who,
          object: (request) => ['id', request.url],
          limit: Math.max(1, objects.length),
          seed: () => seeds,
        });
        for (let time = 0; time <= repeats; time++) {
          for (const url of objects) {
            const request = { method: 'GET', url: `/${url}`, headers: new Headers() };
            expect(policy.check(request, { who: 'a' }).ok).toBe(true);
          }
        }
      }),
    );
  });

  test.each([16, 100, 1_000, 4_096])(
    'a limit of %i is found out 3.3 %% late on average',
    (limit) => {
      const rounds = 40;
      let passed = 0;
      for (let round = 0; round < rounds; round++) {
        passed += detector({ limit, capacity: 16, seed: () => [round, 77] }).count(limit * 2);
      }
      const late = passed / rounds / limit - 1;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(0.05 + 0.5 / limit);
    },
  );
});

describe('in fixed memory', () => {
  test('a flood of other callers does not reset a caller', () => {
    const { ask, count } = detector({ capacity: 16 });
    expect(count(1_000)).toBeLessThan(20);
    for (let other = 0; other < 5_000; other++) ask('x', `other ${other}`);
    expect(ask('another').ok).toBe(false);
  });

  test('a caller who is pushed out takes along what they had asked for', () => {
    const { ask } = detector({ capacity: 16, limit: 20 });
    for (let id = 0; id < 15; id++) ask(id);
    for (let other = 0; other < 200; other++) {
      for (let id = 0; id < 17; id++) ask(id, `other ${other}`);
    }
    let more = 0;
    while (ask(`more ${more}`).ok) more++;
    expect(more).toBeLessThan(8);
  });

  test('a long flood of callers with one object each locks nobody out', () => {
    const { ask } = detector({ capacity: 16 });
    for (let other = 0; other < 5_000; other++) expect(ask('x', `other ${other}`).ok).toBe(true);
    expect(ask(1, 'honest').ok).toBe(true);
  });

  test('a flood is forgotten with its windows', () => {
    const { count, clock } = detector({ capacity: 16 });
    for (let other = 0; other < 200; other++) count(20, `other ${other}`);
    clock.time += WINDOW;
    for (let honest = 0; honest < 8; honest++) {
      expect(count(10, `honest ${honest}`)).toBe(10);
    }
  });
});

test('in shadow mode it reports without denying', () => {
  const policy = detectEnumeration<CallFacts>({
    by: (facts) => facts.peer.id ?? 'unknown',
    object: (request) => pathOf(request),
    limit: 1,
    // Two ids may share a bit; with this seed these do not.
    seed: () => [1, 2],
  });
  const open = guard<CallFacts>().use(policy, { mode: 'shadow' }).use(allowAnonymous());
  const call = { protocol: 'http', operation: 'GET /orders/:id' } as const;
  const verdicts = ['/orders/1', '/orders/2'].map((url) =>
    open.check({ method: 'GET', url, headers: new Headers() }, { call, peer: UNKNOWN_PEER }),
  );
  expect(verdicts[0]).toMatchObject({ allowed: true, trace: [{ verdict: 'passed' }, {}] });
  expect(verdicts[1]).toMatchObject({
    allowed: true,
    trace: [{ verdict: 'would_deny', denial: { code: 'enumeration.detected' } }, {}],
  });
});

test.each([
  ['no limit', { limit: 0 }],
  ['a limit above the most', { limit: 4_097 }],
  ['no window', { window: '0ms' as const }],
  ['a window without its unit', { window: 60_000 as never }],
  ['an option that it does not know', { limits: 5 } as never],
  ['a window of more than a day', { window: '86400001ms' as const }],
  ['a capacity that is no number', { capacity: Number.NaN }],
  ['more memory than 1 GiB', { limit: 4_096, capacity: 1_000_000 }],
  ['nobody to count', { by: undefined as never }],
])('%s cannot be constructed', (_, options) => {
  expect(() => detector(options)).toThrow(ConfigurationError);
});
