import { describe, expect, test } from 'vitest';
import type { Principal } from '../engine/facts.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { requireRole } from './require-role.ts';

const request = new Request('https://api.example.com/reports');

function caller(...roles: string[]): { readonly principal: Principal } {
  return {
    principal: {
      id: 'issuer|alice',
      subject: 'alice',
      issuer: 'issuer',
      scopes: new Set(['admin']),
      roles: new Set(roles),
    },
  };
}

describe('requireRole', () => {
  test.each<[string, readonly string[], readonly string[], boolean]>([
    ['the role', ['admin'], ['admin'], true],
    ['one of the roles', ['admin', 'auditor'], ['auditor'], true],
    ['none of the roles', ['admin', 'auditor'], ['clerk'], false],
    ['no role, but a scope of that name', ['admin'], [], false],
    ['the role in another case', ['admin'], ['Admin'], false],
    ['a name that every object has', ['constructor'], [], false],
  ])('a caller with %s', (_name, wanted, held, admitted) => {
    expect(requireRole(...wanted).check(request, caller(...held)).ok).toBe(admitted);
  });

  test('denies with role.insufficient, and operators learn which roles were wanted and held', () => {
    const policy = requireRole('admin');
    expect(policy.role).toBe('grant');
    const outcome = policy.check(request, caller());
    if (outcome.ok) throw new Error('should have been denied');
    expect(outcome.denial).toMatchObject({ kind: 'forbidden', code: 'role.insufficient' });
    expect(policy.check(request, caller('clerk'))).toMatchObject({
      denial: { cause: { expected: ['admin'], given: ['clerk'] } },
    });
  });

  test.each<[string, unknown]>([
    ['a list', ['admin']],
    ['an object that has everything', { size: 1, has: () => true }],
    ['nothing', undefined],
  ])('denies a caller whose roles are not a set but %s', (_name, roles) => {
    const { principal } = caller();
    const facts = { principal: { ...principal, roles: roles as never } };
    expect(requireRole('admin').check(request, facts)).toMatchObject({
      ok: false,
      denial: { code: 'role.insufficient', cause: { given: [] } },
    });
  });

  test('names its roles once, and says that it needs a principal', () => {
    expect(requireRole('a', 'b', 'a')).toMatchObject({
      name: 'requireRole(a, b)',
      needs: ['principal'],
    });
  });

  test('says what to write in place of an argument that is not a role', () => {
    expect(() => requireRole()).toThrow(/needs at least one role; .* use allowAuthenticated\(\)/);
    expect(() => requireRole(' ')).toThrow(/" " is not a valid role\. Pass each .* and a list/);
    expect(() => requireRole(null as never)).toThrow(/null is not a valid role/);
    expect(() => requireRole({} as never)).toThrow(/\{\} is not a valid role/);
  });

  test.each<[string, unknown[]]>([
    ['no role', []],
    ['an empty role', ['admin', '']],
    ['something that is not a string', [undefined]],
    ['a list', [['admin']]],
  ])('cannot be constructed with %s', (_name, roles) => {
    expect(() => requireRole(...(roles as string[]))).toThrow(ConfigurationError);
  });
});
