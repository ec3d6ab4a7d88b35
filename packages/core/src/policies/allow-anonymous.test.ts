import { expect, test } from 'vitest';
import { guard } from '../guard.ts';
import { deny } from '../outcome.ts';
import { definePolicy } from '../policy.ts';
import { allowAnonymous } from './allow-anonymous.ts';

const request = new Request('https://api.example.com/status');
const seed = {
  call: { protocol: 'http', operation: 'GET /status' },
  peer: { address: undefined, id: undefined },
} as const;

test('allowAnonymous admits a call without credentials', () => {
  expect(guard().use(allowAnonymous()).check(request, seed)).toMatchObject({ allowed: true });
});

test('allowAnonymous does not save a call that a check refuses', () => {
  const closed = definePolicy({
    name: 'closed',
    role: 'check',
    check: () => deny('forbidden', 'shop.closed'),
  });
  const refused = { allowed: false, denial: { code: 'shop.closed' } };
  expect(guard().use(closed).use(allowAnonymous()).check(request, seed)).toMatchObject(refused);
  expect(guard().use(allowAnonymous()).use(closed).check(request, seed)).toMatchObject(refused);
});
