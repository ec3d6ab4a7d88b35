import {
  type ApiKeys,
  authenticateApiKey,
  fixedWindow,
  guard,
  limitQuota,
  rateLimit,
  requireScopes,
  type VerifiedApiKey,
} from '@apisec/core';
import { expectTypeOf, test } from 'vitest';

declare const keys: ApiKeys;
const base = guard().use(authenticateApiKey({ keys }));

test('a quota is counted only where a key was authenticated before', () => {
  base.use(limitQuota({ keys, costs: { reports: 1 } }));
  // @ts-expect-error Property 'apiKey' is missing
  guard().use(limitQuota({ keys, costs: { reports: 1 } }));
});

test('costs are typed by the facts so far', () => {
  base.use(
    limitQuota({
      keys,
      costs: (_request, { apiKey, call }) => {
        expectTypeOf(apiKey).toEqualTypeOf<VerifiedApiKey>();
        expectTypeOf(call.operation).toEqualTypeOf<string>();
        return { reports: 1 };
      },
    }),
  );
});

test('a rate can be its own', () => {
  const standard = fixedWindow({ limit: 10, window: '1s' });
  base.use(
    rateLimit({
      limit: ({ apiKey }) => apiKey.limits['requests'] ?? standard,
      by: ({ apiKey }) => apiKey.id,
    }),
  );
});

test('a key alone admits nobody', () => {
  expectTypeOf(base.role).toEqualTypeOf<'check'>();
  expectTypeOf(base.use(requireScopes('a')).role).toEqualTypeOf<'grant'>();
});
