import { expect, test } from 'vitest';
import { guard } from '../engine/guard.ts';
import { deny } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { allowAnonymous } from './allow-anonymous.ts';

const request = new Request('https://api.example.com/status');
const seed = {
  call: { protocol: 'http', operation: 'GET /status' },
  peer: { address: undefined, id: undefined },
} as const;

test('allowAnonymous admits a call without credentials', () => {
  expect(guard().use(allowAnonymous()).check(request, seed)).toMatchObject({ allowed: true });
});

test('allowAnonymous does not save a call that a check denies', () => {
  const closed = definePolicy({
    name: 'closed',
    role: 'check',
    check: () => deny('forbidden', 'shop.closed'),
  });
  const denied = { allowed: false, denial: { code: 'shop.closed' } };
  expect(guard().use(closed).use(allowAnonymous()).check(request, seed)).toMatchObject(denied);
  expect(guard().use(allowAnonymous()).use(closed).check(request, seed)).toMatchObject(denied);
});
