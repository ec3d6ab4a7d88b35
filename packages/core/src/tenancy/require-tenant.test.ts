import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TenantRecord } from '../contracts/tenant-store.ts';
import type { Outcome } from '../engine/outcome.ts';
import { tenantStoreContract } from '../testing/tenant-store-contract.ts';
import { memoryTenantStore } from './memory-tenant-store.ts';
import {
  type RequireTenantOptions,
  requireTenant,
  type TenantRecordFacts,
} from './require-tenant.ts';

const request = { method: 'GET', url: '/', headers: new Headers() };
const record = (id: string, status: TenantRecord['status'] = 'active'): TenantRecord => ({
  id,
  status,
  attributes: { plan: 'pro' },
});
const tell = (outcome: Outcome<TenantRecordFacts>): string | undefined =>
  outcome.ok ? outcome.facts?.tenantRecord.id : outcome.denial.code;

function setup(
  read: (id: string) => unknown,
  options: Partial<Omit<RequireTenantOptions, 'store'>> = {},
) {
  const clock = { time: 1_000_000 };
  const asked: string[] = [];
  const store = {
    // What a broken store may answer.
    read: (id: string) => {
      asked.push(id);
      return read(id) as TenantRecord | undefined;
    },
  };
  const policy = requireTenant({ store, now: () => clock.time, ...options });
  const check = (tenant: unknown) => policy.check(request, { tenant: tenant as string });
  const ask = async (tenant: unknown) => tell(await check(tenant));
  return { clock, asked, check, ask };
}

describe('the store of tenants in memory', () => {
  test.each(tenantStoreContract)('$name', ({ run }) => run({ create: () => memoryTenantStore() }));

  test('takes no more than its capacity, and nothing that is not a tenant', () => {
    const store = memoryTenantStore({ capacity: 1 });
    expect(() => store.create({ id: 'a', status: 'open' } as never)).toThrow(/not a tenant/);
    store.create(record('a'));
    expect(() => store.create(record('b'))).toThrow(/full/);
    expect(() => memoryTenantStore({ capacity: 0 })).toThrow(/capacity/);
  });

  test('keeps what it was given, whatever becomes of it outside', () => {
    const store = memoryTenantStore();
    const attributes = { plan: 'free' };
    store.create({ id: 'acme', status: 'active', attributes });
    attributes.plan = 'pro';
    expect(store.read('acme')?.attributes).toEqual({ plan: 'free' });
    expect(Object.isFrozen(store.read('acme')?.attributes)).toBe(true);
  });
});

describe('requireTenant', () => {
  test.each<[string, unknown, string]>([
    ['adds the tenant', record('acme'), 'acme'],
    ['adds the tenant that comes later', Promise.resolve(record('acme')), 'acme'],
    ['denies one that is not there', undefined, 'tenant.unknown'],
    ['denies one that is suspended', record('acme', 'suspended'), 'tenant.suspended'],
    ['denies one that was closed', record('acme', 'closed'), 'tenant.closed'],
    ['denies where another tenant is answered', record('evil'), 'tenant.unavailable'],
    ['denies where the id differs in case', record('Acme'), 'tenant.unavailable'],
    ['denies another status', { ...record('acme'), status: 'fine' }, 'tenant.unavailable'],
    [
      'denies a status that is a list',
      { ...record('acme'), status: ['active'] },
      'tenant.unavailable',
    ],
    ['denies without attributes', { id: 'acme', status: 'active' }, 'tenant.unavailable'],
    ['denies a plain yes', true, 'tenant.unavailable'],
    ['denies an empty object', {}, 'tenant.unavailable'],
    ['denies a list', [record('acme')], 'tenant.unavailable'],
    [
      'denies another tenant that comes later',
      Promise.resolve(record('evil')),
      'tenant.unavailable',
    ],
    ['denies where the store rejects', 'reject', 'tenant.unavailable'],
    ['denies where the store throws', 'throw', 'tenant.unavailable'],
    ['denies where the store hangs', new Promise(() => {}), 'tenant.unavailable'],
  ])('%s', async (_name, answer, expected) => {
    const { ask } = setup(
      () => {
        if (answer === 'throw') throw new Error('down');
        return answer === 'reject' ? Promise.reject(new Error('down')) : answer;
      },
      { timeout: '5ms' },
    );
    expect(await ask('acme')).toBe(expected);
  });

  test.each<unknown>([
    undefined,
    null,
    '',
    7,
    {},
    ['acme'],
    Object('acme'),
    'a b',
    'a\ud800',
    'a\0',
    '__proto__',
    'constructor',
    'x'.repeat(129),
  ])('does not ask the store about what is not an id: %#', async (tenant) => {
    const { ask, asked } = setup((id) => record(id));
    expect(await ask(tenant)).toBe('tenant.malformed');
    expect(asked).toEqual([]);
  });

  test('asks once for as long as the answer is kept, and no longer', async () => {
    const statuses: TenantRecord['status'][] = ['active', 'suspended', 'active'];
    const { ask, asked, clock, check } = setup((id) => record(id, statuses[asked.length - 1]), {
      cacheFor: '5s',
    });
    expect(await ask('acme')).toBe('acme');
    clock.time += 4_999;
    expect(tell(check('acme') as Outcome<TenantRecordFacts>)).toBe('acme');
    clock.time += 1;
    expect(await ask('acme')).toBe('tenant.suspended');
    clock.time += 5_000;
    expect(await ask('acme')).toBe('acme');
    expect(asked).toHaveLength(3);
  });

  test('believes for a tenth of the time that there is no such tenant', async () => {
    const { ask, clock } = setup((id) => (clock.time < 1_000_500 ? undefined : record(id)));
    expect(await ask('acme')).toBe('tenant.unknown');
    clock.time += 499;
    expect(await ask('acme')).toBe('tenant.unknown');
    clock.time += 1;
    expect(await ask('acme')).toBe('acme');
  });

  test('does not go on with an old answer while the store is down, or when the clock is set back', async () => {
    let isDown = false;
    const { ask, clock } = setup((id) => (isDown ? Promise.reject(new Error('down')) : record(id)));
    expect(await ask('acme')).toBe('acme');
    isDown = true;
    clock.time -= 1;
    expect(await ask('acme')).toBe('tenant.unavailable');
    clock.time += 5_001;
    expect(await ask('acme')).toBe('tenant.unavailable');
    isDown = false;
    expect(await ask('acme')).toBe('acme');
  });

  test('asks once for 100 calls at once, and each tenant gets its own answer', async () => {
    const { ask, asked } = setup(async (id) => record(id, id === 'evil' ? 'suspended' : 'active'));
    const calls = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 'acme' : 'evil'));
    const answers = await Promise.all(calls.map((tenant) => ask(tenant)));
    expect(asked).toEqual(['acme', 'evil']);
    expect(answers).toEqual(calls.map((id) => (id === 'evil' ? 'tenant.suspended' : 'acme')));
  });

  test('a late answer to an old question does not replace a newer one', async () => {
    const questions: ((answer: unknown) => void)[] = [];
    const { ask, clock, asked } = setup(
      () =>
        new Promise((resolve) => {
          questions.push(resolve);
        }),
      { timeout: '1m', cacheFor: '5m' },
    );
    const first = ask('acme');
    // The call that asked first may be dead: this one asks for itself.
    clock.time += 60_000;
    const second = ask('acme');
    questions[1]?.(record('acme', 'suspended'));
    expect(await second).toBe('tenant.suspended');
    questions[0]?.(record('acme'));
    expect(await first).toBe('acme');
    expect(await ask('acme')).toBe('tenant.suspended');
    expect(asked).toHaveLength(2);
  });

  test('a flood of made-up tenants pushes out none that exist, and costs bounded memory', async () => {
    const { ask, asked } = setup((id) => (id === 'acme' ? record(id) : undefined), {
      maxCached: 2,
    });
    expect(await ask('acme')).toBe('acme');
    for (let at = 0; at < 3_000; at++) await ask(`made-up-${at}`);
    expect(await ask('acme')).toBe('acme');
    expect(asked.filter((id) => id === 'acme')).toHaveLength(1);
    // The first of them are forgotten.
    await ask('made-up-0');
    expect(asked.filter((id) => id === 'made-up-0')).toHaveLength(2);
  });

  describe('while the store hangs', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    test('answers in bounded time, and asks about so many tenants at once', async () => {
      // A thousand pretended timers take seconds.
      vi.useRealTimers();
      const { ask, asked, clock } = setup(() => new Promise(() => {}), { timeout: '10ms' });
      const answers = Promise.all(Array.from({ length: 1_020 }, (_, at) => ask(`t${at}`)));
      expect(new Set(await answers)).toEqual(new Set(['tenant.unavailable']));
      expect(asked).toHaveLength(1_000);
      clock.time += 10;
      void ask('again');
      expect(asked).toHaveLength(1_001);
    });

    test('frees the places of the oldest questions, whose calls may be dead', () => {
      const { check, asked, clock } = setup(() => new Promise(() => {}), { timeout: '1s' });
      const isBusy = (tenant: string) => 'ok' in check(tenant);
      for (let at = 0; at < 1_000; at++) {
        expect(isBusy(`t${at}`)).toBe(false);
        if (at === 499) clock.time += 500;
      }
      clock.time += 499;
      expect(isBusy('more')).toBe(true);
      expect(check('more')).toMatchObject({ denial: { kind: 'unavailable', retryAfterMs: 1_000 } });
      // Whoever asks about a tenant that is asked about already waits with the others.
      expect(isBusy('t999')).toBe(false);
      clock.time += 1;
      for (let at = 0; at < 500; at++) expect(isBusy(`u${at}`)).toBe(false);
      expect(isBusy('more')).toBe(true);
      expect(asked).toHaveLength(1_500);
    });
  });

  test('answers at once where the store does, needs the tenant and adds its record', () => {
    const { check } = setup((id) => (id === 'acme' ? record(id) : null));
    expect(check('acme')).toMatchObject({ ok: true, facts: { tenantRecord: { id: 'acme' } } });
    expect(check('other')).toMatchObject({ denial: { code: 'tenant.unknown' } });
    expect(requireTenant({ store: memoryTenantStore() })).toMatchObject({
      needs: ['tenant'],
      adds: ['tenantRecord'],
    });
  });

  test.each<[string, () => unknown, string]>([
    ['fails', () => Promise.reject(new Error('down')), 'down'],
    ['answers something else', () => 7, 'the store answered something that is not a tenant'],
    ['answers another tenant', () => record('evil'), 'the store answered another tenant'],
  ])(
    'tells operators that the store %s, and asks callers to try again',
    async (_, read, message) => {
      expect(await setup(read).check('acme')).toMatchObject({
        denial: {
          kind: 'unavailable',
          code: 'tenant.unavailable',
          retryAfterMs: 1_000,
          cause: expect.objectContaining({ message }) as Error,
        },
      });
    },
  );

  test('keeps as many answers as it may, and goes by the clock where none is given', async () => {
    const { ask, asked } = setup((id) => record(id), { maxCached: 2 });
    for (const id of ['a', 'b', 'c', 'c', 'a']) await ask(id);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
    let reads = 0;
    const policy = requireTenant({
      store: { read: (id) => (reads++, record(id)) },
      cacheFor: '5m',
    });
    for (let again = 0; again < 3; again++) await policy.check(request, { tenant: 'a' });
    expect(reads).toBe(1);
  });

  test('remembers 10,000 tenants where nothing else is said', async () => {
    const { ask, asked } = setup((id) => record(id));
    for (let at = 0; at < 10_000; at++) await ask(`t${at}`);
    await ask('t0');
    expect(asked).toHaveLength(10_000);
    await ask('more');
    for (let at = 0; at < 10_000; at++) await ask(`t${at}`);
    expect(asked.length).toBeGreaterThan(10_001);
  });

  test.each<[unknown, RegExp]>([
    [{}, /store must have read/],
    [{ store: null }, /store must have read.*memoryTenantStore\(\)/],
    [{ store: memoryTenantStore(), maxCached: 10_000_001 }, /maxCached/],
    [{ store: memoryTenantStore(), timeout: '61s' }, /timeout/],
    [{ store: memoryTenantStore(), now: 5 }, /now must be a function/],
    [{ store: memoryTenantStore(), cacheFor: '1h' }, /cacheFor/],
    [{ store: memoryTenantStore(), cacheFor: 5 }, /unit/],
    [{ store: memoryTenantStore(), maxCached: 1 }, /maxCached/],
    [{ store: memoryTenantStore(), cache: '5s' }, /not an option/],
  ])('cannot be constructed: %#', (options, message) => {
    expect(() => requireTenant(options as never)).toThrow(message);
  });
});
