import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type TenantPoolsOptions, tenantPools } from './tenant-pools.ts';

interface Pool {
  readonly tenant: string;
  readonly number: number;
  closed: boolean;
}

/** A promise and how to settle it. */
function gate() {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

function setup(options: Partial<TenantPoolsOptions<Pool>> = {}) {
  const clock = { time: 1_000_000 };
  const opened: Pool[] = [];
  const pools = tenantPools<Pool>({
    open: async (tenant) => {
      const pool = { tenant, number: opened.length, closed: false };
      opened.push(pool);
      return pool;
    },
    belongsTo: (pool, tenant) => pool.tenant === tenant,
    close: async (pool) => {
      pool.closed = true;
    },
    now: () => clock.time,
    ...options,
  });
  const live = () => opened.filter(({ closed }) => !closed).map(({ tenant }) => tenant);
  const take = (tenant: string) => pools.use(tenant, (pool) => pool.number);
  return { clock, opened, pools, live, take };
}

/** Lets everything that waits for nothing but promises come about. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

describe('tenantPools', () => {
  test('opens one pool for each tenant, however many ask at once', async () => {
    const { pools, opened } = setup();
    const tenants = Array.from({ length: 60 }, (_, at) => ['a', 'b', 'c'][at % 3] as string);
    const got = await Promise.all(
      tenants.map((each) => pools.use(each, async ({ tenant }) => tenant)),
    );
    expect(got).toEqual(tenants);
    expect(opened.map(({ tenant }) => tenant)).toEqual(['a', 'b', 'c']);
    expect(pools.size()).toBe(3);
  });

  test.each<[string, Partial<TenantPoolsOptions<Pool>>, string]>([
    ['that belongs to another tenant', { belongsTo: () => false }, 'tenant.pool_foreign'],
    [
      'of which nobody plainly says yes',
      { belongsTo: () => 'yes' as never },
      'tenant.pool_foreign',
    ],
    [
      'that cannot be asked',
      { belongsTo: () => Promise.reject(new Error('down')) },
      'tenant.unavailable',
    ],
  ])('closes a pool %s, and gives it to nobody', async (_name, options, code) => {
    const { take, opened, pools } = setup(options);
    expect(await Promise.all([codeOf(take('a')), codeOf(take('a'))])).toEqual([code, code]);
    await turns();
    expect(opened.map(({ closed }) => closed)).toEqual([true]);
    expect(pools.size()).toBe(0);
  });

  test('a database of another tenant behind the right name is found out', async () => {
    const { take } = setup({ open: async () => ({ tenant: 'evil', number: 0, closed: false }) });
    expect(await codeOf(take('acme'))).toBe('tenant.pool_foreign');
  });

  test('tries again after a pool did not open', async () => {
    let tries = 0;
    const { pools } = setup({
      open: async (tenant) => {
        if (tries++ === 0) throw new Error('down');
        return { tenant, number: tries, closed: false };
      },
    });
    const first = Array.from({ length: 5 }, () => codeOf(pools.use('a', () => 1)));
    expect(new Set(await Promise.all(first))).toEqual(new Set(['tenant.unavailable']));
    await turns();
    expect(pools.size()).toBe(0);
    expect(await pools.use('a', ({ number }) => number)).toBe(2);
  });

  test('closes what nobody needed for a while, and never what somebody uses', async () => {
    const { pools, clock, live, take } = setup({ idleAfter: '1m' });
    const { passed, open } = gate();
    const long = pools.use('long', () => passed);
    await take('short');
    clock.time += 59_999;
    await take('other');
    expect(live()).toEqual(['long', 'short', 'other']);
    clock.time += 20_000;
    await take('other');
    await turns();
    expect(live()).toEqual(['long', 'other']);
    open();
    await long;
    clock.time += 60_000;
    await take('other');
    await turns();
    expect(live()).toEqual(['other']);
  });

  test('the one idle longest makes room', async () => {
    const { pools, clock, live, take } = setup({ maxOpen: 2 });
    await take('a');
    clock.time += 1;
    await take('b');
    clock.time += 1;
    await take('a');
    await take('c');
    expect(live()).toEqual(['a', 'c']);
    expect(pools.size()).toBe(2);
  });

  test('does not open more than it may, and says so where all are in use', async () => {
    const { pools, take, opened } = setup({ maxOpen: 2 });
    const { passed, open } = gate();
    const busy = ['a', 'b'].map((tenant) => pools.use(tenant, () => passed));
    expect(await codeOf(take('c'))).toBe('tenant.pools_exhausted');
    expect(await codeOf(take('a'))).toBe('done');
    open();
    await Promise.all(busy);
    expect(await codeOf(take('c'))).toBe('done');
    expect(opened).toHaveLength(3);
  });

  test('holds its bound in a storm of tenants', async () => {
    let open = 0;
    let most = 0;
    const { pools } = setup({
      maxOpen: 4,
      open: async (tenant) => {
        most = Math.max(most, ++open);
        await Promise.resolve();
        return { tenant, number: 0, closed: false };
      },
      close: async (pool) => {
        await Promise.resolve();
        pool.closed = true;
        open--;
      },
    });
    const codes = await Promise.all(
      Array.from({ length: 400 }, async (_, at) => {
        for (let turn = 0; turn < at % 17; turn++) await Promise.resolve();
        return codeOf(
          pools.use(`t${at % 13}`, async (pool) => {
            await Promise.resolve();
            expect(pool.closed).toBe(false);
            expect(pool.tenant).toBe(`t${at % 13}`);
          }),
        );
      }),
    );
    expect(most).toBeLessThanOrEqual(4);
    expect(new Set(codes)).toEqual(new Set(['done', 'tenant.pools_exhausted']));
    await pools.closeAll();
    expect(open).toBe(0);
  });

  test('closing a tenant waits for its work, and later work gets another pool', async () => {
    const { pools, opened, take } = setup();
    const { passed, open } = gate();
    const work = pools.use('a', async (pool) => {
      await passed;
      return pool.closed;
    });
    await turns();
    const closing = pools.close('a');
    expect(await take('a')).toBe(1);
    expect(opened[0]?.closed).toBe(false);
    open();
    expect(await work).toBe(false);
    await closing;
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test('closing while a pool opens closes that as well', async () => {
    const { passed, open } = gate();
    const closed: string[] = [];
    const { pools } = setup({
      open: async (tenant) => {
        await passed;
        return { tenant, number: 0, closed: false };
      },
      close: ({ tenant }) => closed.push(tenant),
    });
    const work = codeOf(pools.use('a', () => 1));
    const ending = pools.closeAll();
    open();
    await Promise.all([work, ending]);
    expect(closed).toEqual(['a']);
    expect(pools.size()).toBe(0);
    expect(await codeOf(pools.use('a', () => 1))).toBe('tenant.unavailable');
  });

  test('passes on what the work throws, and returns the pool', async () => {
    const { pools, live } = setup({ maxOpen: 1 });
    const fault = new Error('of the work');
    await expect(pools.use('a', () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await codeOf(pools.use('b', () => 1))).toBe('done');
    expect(live()).toEqual(['b']);
  });

  test('a pool that cannot be closed does not keep its place', async () => {
    const { pools } = setup({ maxOpen: 1, close: () => Promise.reject(new Error('stuck')) });
    expect(await codeOf(pools.use('a', () => 1))).toBe('done');
    expect(await codeOf(pools.use('b', () => 1))).toBe('done');
    expect(pools.size()).toBe(1);
  });

  test.each<unknown>([
    undefined,
    '',
    7,
    ['a'],
    '__proto__',
    'constructor',
    'a b',
    'a\ud800',
    'x'.repeat(1_000_000),
  ])('opens nothing for what is not a tenant: %#', async (tenant) => {
    const { take, opened } = setup();
    expect(await codeOf(take(tenant as string))).toBe('tenant.malformed');
    expect(opened).toEqual([]);
  });

  describe('in time', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    test('a pool that does not open keeps callers waiting for a bounded time, once for all', async () => {
      let tries = 0;
      const { pools } = setup({
        timeout: '2s',
        open: () => {
          tries++;
          return new Promise(() => {});
        },
      });
      const waiting = Array.from({ length: 10 }, () => codeOf(pools.use('a', () => 1)));
      await vi.advanceTimersByTimeAsync(2_000);
      expect(new Set(await Promise.all(waiting))).toEqual(new Set(['tenant.unavailable']));
      expect(tries).toBe(1);
    });

    test('a pool that hangs takes no place from others but its own', async () => {
      const { pools } = setup({
        maxOpen: 2,
        timeout: '2s',
        open: (tenant) =>
          tenant === 'hung' ? new Promise(() => {}) : { tenant, number: 0, closed: false },
      });
      const hung = codeOf(pools.use('hung', () => 1));
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await hung).toBe('tenant.unavailable');
      expect(await codeOf(pools.use('a', () => 1))).toBe('done');
      expect(await codeOf(pools.use('b', () => 1))).toBe('done');
    });

    test('a pool that hangs while it is closed keeps no idle one from making room', async () => {
      const { pools, take } = setup({
        maxOpen: 3,
        timeout: '2s',
        close: ({ tenant }) => (tenant.startsWith('hung') ? new Promise(() => {}) : undefined),
      });
      for (const tenant of ['hung', 'hung-2', 'idle']) await take(tenant);
      void pools.close('hung');
      const waiting = ['a', 'b'].map((tenant) => codeOf(take(tenant)));
      await vi.advanceTimersByTimeAsync(1_500);
      expect(await Promise.all(waiting)).toEqual(['done', 'done']);
      expect(pools.size()).toBe(3);
      // From now on nobody waits for those that hang.
      expect(await codeOf(take('c'))).toBe('done');
    });

    test('says that there is no room where all pools hang while they are closed', async () => {
      const { pools, take } = setup({ maxOpen: 1, close: () => new Promise(() => {}) });
      await take('hung');
      const waiting = codeOf(take('a'));
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await waiting).toBe('tenant.pools_exhausted');
      expect(pools.size()).toBe(1);
    });

    test('idle pools are closed though nobody calls any more', async () => {
      const { clock, take, live } = setup({ idleAfter: '1m' });
      await take('a');
      clock.time += 60_000;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(live()).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test.each<[unknown, RegExp]>([
    [{}, /open\(\) and belongsTo\(\) and close\(\)/],
    [{ open: () => 1, close: () => 1 }, /belongsTo/],
    [{ open: () => 1, close: () => 1, belongsTo: () => true, maxOpen: 0 }, /maxOpen/],
    [{ open: () => 1, close: () => 1, belongsTo: () => true, idleAfter: 60 }, /unit/],
    [{ open: () => 1, close: () => 1, belongsTo: () => true, max: 1 }, /not an option/],
  ])('cannot be constructed: %#', (options, message) => {
    expect(() => tenantPools(options as never)).toThrow(message);
  });
});
