import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SLOW_MS, type TenantPaces, tenantPaces } from './tenant-paces.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SLOWLY = SLOW_MS + 1;

/** An attempt that takes so long. */
async function attempt(tenants: TenantPaces, tenant: string, takesMs: number): Promise<void> {
  const answered = tenants.watch(
    tenant,
    new Promise<void>((resolve) => void setTimeout(resolve, takesMs)),
  );
  await vi.advanceTimersByTimeAsync(takesMs);
  await answered;
}

const isSlow = ({ paces }: TenantPaces, tenant: string): boolean => paces.slow.has(tenant);
const isQuick = ({ paces }: TenantPaces, tenant: string): boolean => paces.quick.has(tenant);

test('a tenant is slow as soon as an attempt is, whether that ends or not', async () => {
  const tenants = tenantPaces();
  void tenants.watch('t', new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(SLOW_MS - 1);
  expect(isSlow(tenants, 't')).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isSlow(tenants, 't')).toBe(true);
});

test('a tenant that answers quickly is quick, and one that nobody knows is neither', async () => {
  const tenants = tenantPaces();
  await attempt(tenants, 'quick', 20);
  expect([isQuick(tenants, 'quick'), isSlow(tenants, 'quick')]).toEqual([true, false]);
  expect([isQuick(tenants, 'unknown'), isSlow(tenants, 'unknown')]).toEqual([false, false]);
});

test('a quick tenant stays so with one slow endpoint of many', async () => {
  const tenants = tenantPaces();
  for (let times = 0; times < 100; times++) {
    await attempt(tenants, 't', times % 5 === 4 ? SLOWLY : 20);
    expect(isQuick(tenants, 't')).toBe(true);
  }
});

test('whatever a tenant was, a few attempts in a row say what it is', async () => {
  const tenants = tenantPaces();
  for (let times = 0; times < 50; times++) await attempt(tenants, 't', 20);
  for (let times = 0; times < 3; times++) await attempt(tenants, 't', SLOWLY);
  expect([isQuick(tenants, 't'), isSlow(tenants, 't')]).toEqual([false, true]);
  for (let times = 0; times < 3; times++) await attempt(tenants, 't', 20);
  expect([isQuick(tenants, 't'), isSlow(tenants, 't')]).toEqual([true, false]);
});

test('an attempt that rejects rejects, and its time counts', async () => {
  const tenants = tenantPaces();
  const failing = tenants.watch(
    't',
    new Promise((_, reject) => void setTimeout(() => reject(new Error('down')), SLOWLY)),
  );
  const failed = expect(failing).rejects.toThrow('down');
  await vi.advanceTimersByTimeAsync(SLOWLY);
  await failed;
  expect(isSlow(tenants, 't')).toBe(true);
});

test('a thousand tenants are known, the latest ones', async () => {
  const tenants = tenantPaces();
  for (let at = 0; at < 1_100; at++) void tenants.watch(`t${at}`, new Promise(() => undefined));
  vi.advanceTimersByTime(SLOW_MS);
  expect(tenants.paces.slow.size).toBe(1_000);
  expect([isSlow(tenants, 't99'), isSlow(tenants, 't100')]).toEqual([false, true]);
});
