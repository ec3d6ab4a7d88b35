import { describe, expect, test, vi } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import type { VerifiedApiKey } from '../api-keys/api-key.ts';
import { apiKeys } from '../api-keys/api-keys.ts';
import { memoryApiKeyStore } from '../api-keys/memory-api-key-store.ts';
import type { ApiKeyQuota, ApiKeyStore } from '../contracts/api-key-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { type LimitQuotaOptions, limitQuota } from './limit-quota.ts';

const DAY = 86_400_000;
const NOON = 20_000 * DAY + DAY / 2;
const TYPES = 'https://iana.org/assignments/http-problem-types';
const request = new Request('https://api.example.com/reports');

type Facts = { readonly apiKey: VerifiedApiKey };

async function setup(
  quotas: Readonly<Record<string, ApiKeyQuota>>,
  store: ApiKeyStore = memoryApiKeyStore(),
) {
  const clock = { at: NOON };
  const now = () => clock.at;
  const peppers = { current: 'v1', keys: { v1: secretOf(1) } };
  const keys = apiKeys({
    prefix: 'acme',
    environment: 'live',
    store,
    peppers,
    now,
    storeTimeout: '200ms',
  });
  const issued = await keys.issue({ name: 'n', owner: { type: 'user', id: 'u1' }, quotas });
  const result = issued.ok && (await keys.verify(issued.key));
  if (!result || !result.ok) throw new Error('should have verified');
  const check = async (options: Partial<LimitQuotaOptions<Facts>> = {}) => {
    const policy = limitQuota<Facts>({ keys, costs: { reports: 1 }, now, ...options });
    const outcome = await policy.check(request, { apiKey: result.key });
    return outcome.ok ? (outcome.degraded ?? 'passed') : outcome.denial;
  };
  return { clock, check, keys, key: result.key };
}

describe('limitQuota', () => {
  test('admits as many calls as the quota has, and says when it starts again', async () => {
    const { clock, check } = await setup({ reports: { limit: 2, window: DAY } });
    expect([await check(), await check()]).toEqual(['passed', 'passed']);
    clock.at += 500;
    const denial = await check();
    expect(denial).toMatchObject({
      kind: 'rate_limited',
      code: 'api_key.quota_exceeded',
      retryAfterMs: DAY / 2 - 500,
      problem: {
        type: `${TYPES}#quota-exceeded`,
        extensions: { 'violated-policies': ['reports'] },
      },
    });
    if (typeof denial === 'string') throw new Error('should have been denied');
    expect(httpDenial(denial)).toMatchObject({ status: 429 });
    expect(httpDenial(denial).headers).toContainEqual(['retry-after', String(DAY / 2000)]);
    clock.at = NOON + DAY / 2;
    expect(await check()).toBe('passed');
  });

  test('admits exactly as many concurrent calls as there is room for', async () => {
    const { check } = await setup({ reports: { limit: 7, window: DAY } });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => check()));
    expect(outcomes.filter((outcome) => outcome === 'passed')).toHaveLength(7);
  });

  test('charges several quotas together or not at all', async () => {
    const { check } = await setup({
      reports: { limit: 10, window: DAY },
      pages: { limit: 5, window: DAY },
    });
    const costs = { reports: 1, pages: 3 };
    expect(await check({ costs })).toBe('passed');
    expect(await check({ costs })).toMatchObject({ code: 'api_key.quota_exceeded' });
    expect(await check({ costs: { reports: 9, pages: 2 } })).toBe('passed');
  });

  test('a cost can depend on the call', async () => {
    const { check } = await setup({ reports: { limit: 10, window: DAY } });
    const costs = ({ method }: { method: string }) => ({ reports: method === 'GET' ? 6 : 1 });
    expect(await check({ costs })).toBe('passed');
    expect(await check({ costs })).toMatchObject({ kind: 'rate_limited' });
  });

  test('a call that could never pass is denied without a retry time', async () => {
    const consume = vi.fn(memoryApiKeyStore().consume);
    const quotas = { reports: { limit: 10, window: DAY }, pages: { limit: 5, window: DAY } };
    const { check } = await setup(quotas, { ...memoryApiKeyStore(), consume });
    const denial = await check({ costs: { reports: 1, pages: 6 } });
    expect(denial).toMatchObject({
      kind: 'too_large',
      code: 'limit.cost_too_high',
      problem: { type: `${TYPES}#quota-exceeded`, extensions: { 'violated-policies': ['pages'] } },
    });
    expect(denial).not.toHaveProperty('retryAfterMs');
    // Nothing that a store is needed for, so nothing that `onStoreFailure: 'open'` may pass over.
    expect(consume).not.toHaveBeenCalled();
  });

  test('a cost as high as the whole quota passes, once', async () => {
    const { check } = await setup({ reports: { limit: 10, window: DAY } });
    const costs = { reports: 10, constructor: 11, others: 11 };
    expect(await check({ costs })).toBe('passed');
    expect(await check({ costs })).toMatchObject({ code: 'api_key.quota_exceeded' });
  });

  test('a key without the quota is not limited in it', async () => {
    const { check } = await setup({});
    for (let call = 0; call < 100; call++) expect(await check()).toBe('passed');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 1],
    ['no number', { reports: Number.NaN }],
    ['less than nothing', { reports: -1 }],
    ['half', { reports: 0.5 }],
  ])('a cost function that answers %s is a fault, also when open', async (_name, answer) => {
    const { check } = await setup({ reports: { limit: 10, window: DAY } });
    const costs = () => answer as Record<string, number>;
    expect(await check({ costs, onStoreFailure: 'open' })).toMatchObject({
      kind: 'internal',
      code: 'limit.cost_invalid',
    });
  });

  test('a store that fails denies, or lets pass and says so', async () => {
    const cause = new Error('down');
    const store = { ...memoryApiKeyStore(), consume: () => Promise.reject(cause) };
    const { check } = await setup({ reports: { limit: 10, window: DAY } }, store);
    expect(await check()).toMatchObject({
      kind: 'unavailable',
      code: 'api_key.store_unavailable',
      problem: { type: `${TYPES}#temporary-reduced-capacity` },
      cause,
    });
    expect(await check({ onStoreFailure: 'open' })).toBe('limit.uncounted');
  });

  test('a store that does not answer in time denies, or lets pass and says so', async () => {
    const store = { ...memoryApiKeyStore(), consume: () => new Promise<never>(() => {}) };
    const { check } = await setup({ reports: { limit: 10, window: DAY } }, store);
    expect(await check()).toMatchObject({
      kind: 'unavailable',
      code: 'api_key.store_unavailable',
    });
    expect(await check({ onStoreFailure: 'open' })).toBe('limit.uncounted');
  });

  test.each<[string, object]>([
    ['without keys', { keys: undefined }],
    ['without costs', { costs: undefined }],
    ['with a cost that is none', { costs: { reports: -1 } }],
    ['with an unknown onStoreFailure', { onStoreFailure: 'ignore' }],
  ])('cannot be constructed %s', async (_name, options) => {
    const { keys } = await setup({});
    expect(() => limitQuota({ keys, costs: { a: 1 }, ...options })).toThrow(ConfigurationError);
  });
});
