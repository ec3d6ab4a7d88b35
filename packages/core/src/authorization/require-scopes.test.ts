import { describe, expect, test } from 'vitest';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { requireScopes } from './require-scopes.ts';
import { scopeHierarchy } from './scope-hierarchy.ts';

const request = new Request('https://api.example.com/orders');

function caller(scopes: readonly string[], scheme = 'Bearer'): AuthenticatedFacts {
  return {
    principal: {
      id: 'issuer|alice',
      subject: 'alice',
      issuer: 'issuer',
      scopes: new Set(scopes),
      roles: new Set(),
    },
    authentication: { method: 'jwt', scheme, claims: {} },
  };
}

describe('requireScopes', () => {
  test.each<[string, readonly string[], readonly string[], boolean]>([
    ['the one scope', ['a'], ['a'], true],
    ['every scope of several', ['a', 'b'], ['b', 'c', 'a'], true],
    ['only one scope of two', ['a', 'b'], ['a'], false],
    ['no scope at all', ['a'], [], false],
    ['the scope in another case', ['orders:read'], ['Orders:Read'], false],
    // Covers: API5:2023, V10.3.2
    ['a scope that begins with the wanted one', ['orders'], ['orders:read'], false],
    ['a name that every object has', ['constructor'], [], false],
  ])('a caller with %s', (_name, wanted, held, admitted) => {
    expect(requireScopes(...wanted).check(request, caller(held)).ok).toBe(admitted);
  });

  test.each<[string, unknown]>([
    ['a list', ['a']],
    ['a text', 'a'],
    ['an object that has everything', { size: 1, has: () => true }],
    ['nothing', undefined],
  ])('denies a caller whose scopes are not a set but %s', (_name, scopes) => {
    const { principal, ...facts } = caller([]);
    const outcome = requireScopes('a').check(request, {
      ...facts,
      principal: { ...principal, scopes: scopes as never },
    });
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'forbidden', code: 'scope.insufficient', cause: { given: [] } },
    });
  });

  test('is a grant that answers at once', () => {
    expect(requireScopes('a', 'b')).toMatchObject({
      name: 'requireScopes(a b)',
      needs: ['principal', 'authentication'],
      adds: [],
    });
    expect(requireScopes('a').role).toBe('grant');
    expect(requireScopes('a').check(request, caller(['a']))).toEqual({ ok: true });
  });

  test('challenges with the scopes it wants (RFC 6750 §3.1)', () => {
    const outcome = requireScopes('orders:read', 'orders:write', 'orders:read').check(
      request,
      caller(['orders:read']),
    );
    if (outcome.ok) throw new Error('should have been denied');
    const { status, headers } = httpDenial(outcome.denial);
    expect(status).toBe(403);
    expect(headers).toContainEqual([
      'www-authenticate',
      'Bearer error="insufficient_scope", scope="orders:read orders:write"',
    ]);
    expect(outcome.denial.code).toBe('scope.insufficient');
  });

  test('tells operators which scopes are missing and which are held', () => {
    const scopes = scopeHierarchy({ admin: ['read'] });
    const outcome = requireScopes(scopes, 'read', 'write', 'pay').check(
      request,
      caller(['admin', 'pay']),
    );
    expect(outcome).toMatchObject({
      denial: {
        cause: { missing: ['write'], given: ['admin', 'pay'] },
        detail: 'The credential lacks a scope that this operation needs.',
      },
    });
  });

  test('challenges in the scheme of the credential, and not without a credential', () => {
    const challenges = (scheme: string) => {
      const outcome = requireScopes('a').check(request, caller([], scheme));
      return outcome.ok ? undefined : outcome.denial.challenges?.map((each) => each.scheme);
    };
    expect(challenges('DPoP')).toEqual(['DPoP']);
    expect(challenges('')).toEqual([]);
  });

  test('its denial cannot be changed', () => {
    const policy = requireScopes('a');
    const outcome = policy.check(request, caller([]));
    if (outcome.ok) throw new Error('should have been denied');
    expect(Object.isFrozen(outcome.denial)).toBe(true);
    expect(Object.isFrozen(outcome.denial.challenges?.[0]?.params)).toBe(true);
  });

  test('says what to write in place of an argument that is not a scope', () => {
    expect(() => requireScopes()).toThrow(/needs a scope; allowAuthenticated\(\) admits/);
    expect(() => requireScopes('a b')).toThrow(/"a b" is not a scope\. Pass each as its own/);
    expect(() => requireScopes(null as never)).toThrow(/null is not a scope/);
    expect(() => requireScopes({} as never)).toThrow(/\{\} is not a scope/);
  });

  test.each<[string, unknown[]]>([
    ['no scope', []],
    ['an empty scope', ['']],
    ['two scopes in one string', ['a b']],
    ['a quote', ['a"b']],
    ['a backslash', ['a\\b']],
    ['a line break', ['a\r\nb']],
    ['a letter outside ASCII', ['schön']],
    ['something that is not a string', [7]],
    ['a list', [['a']]],
  ])('cannot be constructed with %s', (_name, scopes) => {
    expect(() => requireScopes(...(scopes as string[]))).toThrow(ConfigurationError);
  });
});
