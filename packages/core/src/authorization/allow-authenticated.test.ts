import { expect, test } from 'vitest';
import type { Principal } from '../engine/facts.ts';
import { allowAuthenticated } from './allow-authenticated.ts';

const request = new Request('https://api.example.com/profile');
const principal: Principal = {
  id: 'issuer|alice',
  subject: 'alice',
  issuer: 'issuer',
  scopes: new Set(),
  roles: new Set(),
};

test('allowAuthenticated admits a principal without any right', () => {
  expect(allowAuthenticated().role).toBe('grant');
  expect(allowAuthenticated().check(request, { principal })).toEqual({ ok: true });
});

test.each([
  ['nobody was identified', {}],
  ['the principal is null', { principal: null }],
])('allowAuthenticated denies with 401 when %s', (_name, facts) => {
  expect(allowAuthenticated().check(request, facts as { principal: Principal })).toMatchObject({
    ok: false,
    denial: { kind: 'unauthenticated', code: 'principal.missing' },
  });
});
