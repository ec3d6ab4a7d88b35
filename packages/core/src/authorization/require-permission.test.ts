import { describe, expect, test } from 'vitest';
import type { Principal } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { loadRoles } from './load-roles.ts';
import { memoryRoleStore } from './memory-role-store.ts';
import { requirePermission } from './require-permission.ts';
import { requireRole } from './require-role.ts';
import { requireScopes } from './require-scopes.ts';
import { roleModel } from './role-model.ts';
import { scopeHierarchy } from './scope-hierarchy.ts';

const request = new Request('https://api.example.com/articles');
const model = roleModel({
  permissions: ['articles:read', 'articles:write', 'users:invite'],
  roles: {
    reader: { grants: ['articles:read'] },
    editor: { includes: ['reader'], grants: ['articles:*'] },
    host: { grants: ['users:invite'] },
  },
});

function caller(roles: readonly string[], more: Partial<Principal> = {}): { principal: Principal } {
  return {
    principal: {
      id: 'issuer|alice',
      subject: 'alice',
      issuer: 'issuer',
      scopes: new Set(),
      roles: new Set(roles),
      ...more,
    },
  };
}

describe('requirePermission', () => {
  test.each([
    ['a role that holds it', 'articles:read', ['reader'], true],
    ['a role that includes one that holds it', 'articles:read', ['editor'], true],
    // Covers: API5:2023, V8.2.1
    ['a role that does not hold it', 'articles:write', ['reader'], false],
    ['no role', 'articles:read', [], false],
    ['a role of another case', 'articles:read', ['Reader'], false],
    ['the permission as a role', 'articles:read', ['articles:read'], false],
    ['a star as a role', 'articles:read', ['*'], false],
    ['names that every object has', 'articles:read', ['__proto__', 'constructor'], false],
    ['unknown roles beside the right one', 'articles:read', ['x', 'y', 'reader', 'z'], true],
  ] as const)('a caller with %s', (_name, permission, roles, admitted) => {
    expect(requirePermission(model, permission).check(request, caller(roles)).ok).toBe(admitted);
  });

  test('demands every one of several permissions', () => {
    const policy = requirePermission(model, ['articles:write', 'users:invite']);
    expect(policy.check(request, caller(['editor'])).ok).toBe(false);
    expect(policy.check(request, caller(['editor', 'host'])).ok).toBe(true);
  });

  test('denies with permission.insufficient', () => {
    const policy = requirePermission(model, 'users:invite');
    expect(policy.role).toBe('grant');
    expect(policy.check(request, caller(['reader']))).toMatchObject({
      ok: false,
      denial: { kind: 'forbidden', code: 'permission.insufficient' },
    });
  });

  test.each<[string, readonly unknown[], string]>([
    ['no model', ['articles:read'], 'write requirePermission(model, '],
    ['nothing', [], 'write requirePermission(model, '],
    ['no permission', [model, []], 'allowAuthenticated() admits every authenticated caller'],
    ['an unknown permission', [model, 'articles:delete'], 'articles:delete'],
    ['a wildcard', [model, 'articles:*'], 'articles:*'],
    ['a name that every object has', [model, 'constructor'], 'constructor'],
    ['an unknown option', [model, 'articles:read', { role: () => new Set() }], '"role" is not an'],
    [
      'roles that are a list',
      [model, ['articles:read', 'articles:write'], { roles: ['editor'] }],
      'requirePermission(articles:read, articles:write): roles must be a function of the facts',
    ],
  ])('cannot be constructed with %s', (_name, args, message) => {
    const construct = () =>
      requirePermission(...(args as unknown as Parameters<typeof requirePermission>));
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(message);
  });

  test('needs a principal, unless the roles come from elsewhere', () => {
    expect(requirePermission(model, 'articles:read').needs).toEqual(['principal']);
    const elsewhere = { roles: () => new Set(['editor']) };
    const policies = [
      requirePermission(model, 'articles:read', elsewhere),
      requireRole(model, 'editor', elsewhere),
    ];
    for (const policy of policies) {
      expect(policy.needs).toEqual([]);
      expect(policy.check(request, {}).ok).toBe(true);
    }
  });

  test.each([undefined, null, ['editor'], 'editor', { has: () => true }])(
    'counts roles that are not a set as none: %j',
    (roles) => {
      const policy = requirePermission(model, 'articles:read', { roles: () => roles as never });
      expect(policy.check(request, caller(['editor'])).ok).toBe(false);
    },
  );

  test('does the same work in a model of 10,000 permissions as in one of 10', () => {
    const sized = (count: number) => {
      const permissions = Array.from({ length: count }, (_, at) => `area${at % 10}:verb${at}`);
      return roleModel({
        permissions,
        roles: { all: { grants: ['*'] }, none: { grants: [permissions[1] as string] } },
      });
    };
    const lookUps = (count: number, held = ['none']) => {
      let asked = 0;
      class Counted extends Set<string> {
        override has(role: string): boolean {
          asked += 1;
          return super.has(role);
        }
        override [Symbol.iterator]() {
          const inner = super[Symbol.iterator]();
          const next = inner.next.bind(inner);
          inner.next = () => {
            asked += 1;
            return next();
          };
          return inner;
        }
      }
      const roles = new Counted(held);
      asked = 0;
      requirePermission(sized(count), 'area0:verb0').check(request, caller([], { roles }));
      return asked;
    };
    expect(lookUps(10_000)).toBe(lookUps(10));
    const many = Array.from({ length: 1_000 }, (_, at) => `role${at}`);
    expect(lookUps(10, many)).toBeLessThan(3);
  });
});

describe('requireRole with a model', () => {
  test('admits roles that include the named one, and no others', () => {
    const policy = requireRole(model, 'reader');
    expect(policy.check(request, caller(['reader'])).ok).toBe(true);
    expect(policy.check(request, caller(['editor'])).ok).toBe(true);
    expect(policy.check(request, caller(['host'])).ok).toBe(false);
    expect(requireRole(model, ['editor', 'host']).check(request, caller(['host'])).ok).toBe(true);
    expect(requireRole(model, 'editor').check(request, caller(['reader'])).ok).toBe(false);
  });

  test('cannot be constructed with a role that the model does not know', () => {
    expect(() => requireRole(model, 'root' as never)).toThrow(ConfigurationError);
    expect(() => requireRole(model, [])).toThrow(ConfigurationError);
  });
});

describe('requireScopes with a hierarchy', () => {
  const includes = {
    'orders:admin': ['orders:write', 'orders:audit'],
    'orders:write': ['orders:read'],
    'orders:clerk': ['orders:write'],
  };
  const authentication = { method: 'jwt', scheme: 'Bearer', claims: {} };
  const asks = (wanted: string, ...scopes: string[]) =>
    requireScopes(scopeHierarchy(includes), wanted).check(request, {
      ...caller([], { scopes: new Set(scopes) }),
      authentication,
    }).ok;

  test('admits a caller who has the scope or one that includes it', () => {
    expect(asks('orders:read', 'orders:read')).toBe(true);
    expect(asks('orders:read', 'orders:write')).toBe(true);
    expect(asks('orders:read', 'orders:admin')).toBe(true);
    expect(asks('orders:read', 'orders:clerk')).toBe(true);
    expect(asks('unrelated', 'unrelated')).toBe(true);
  });

  test('admits nobody upwards, sideways or by a part of the name', () => {
    expect(asks('orders:write', 'orders:read')).toBe(false);
    expect(asks('orders:read', 'orders:audit')).toBe(false);
    expect(asks('orders:read', 'orders')).toBe(false);
    expect(asks('orders:read', 'constructor', '__proto__')).toBe(false);
  });

  test('may be written as an object without a prototype, in any order', () => {
    const table = Object.assign(Object.create(null) as object, { b: ['c'], a: ['b', 'c'] });
    expect([...scopeHierarchy(table as never).scopesIncluding('c')]).toEqual(['c', 'b', 'a']);
  });

  test.each<[string, unknown, string]>([
    ['a circle', { a: ['b'], b: ['a'] }, 'in a circle: a -> b -> a.'],
    ['a circle behind the first scope', { x: ['a'], a: ['b'], b: ['a'] }, 'a -> b -> a.'],
    ['a scope that includes itself', { a: ['a'] }, 'a -> a.'],
    ['what is not a scope', { 'a b': ['c'] }, '"a b" is not a valid scope'],
    ['what includes something that is not a scope', { a: ['b', 'ü'] }, '"ü" is not a valid scope'],
    ['a number for a scope', { a: ['b', 7] }, '7 is not a valid scope'],
    ['a text for a list', { a: 'b' }, 'what "a" includes must be a list of scopes'],
    ['a list', [['a', 'b']], "write { 'orders:write': ['orders:read'] }"],
    ['a map', new Map([['a', ['b']]]), "write { 'orders:write': ['orders:read'] }"],
    ['a text', 'a', "write { 'orders:write': ['orders:read'] }"],
    ['null', null, "write { 'orders:write': ['orders:read'] }"],
    ['nothing', undefined, "write { 'orders:write': ['orders:read'] }"],
  ])('cannot be constructed with %s', (_name, wrong, message) => {
    expect(() => scopeHierarchy(wrong as never)).toThrow(ConfigurationError);
    expect(() => scopeHierarchy(wrong as never)).toThrow(message);
  });
});

describe('loadRoles', () => {
  const store = memoryRoleStore();
  store.assign({ principal: 'issuer|alice', tenant: 'acme', role: 'editor' });
  store.assign({ principal: 'issuer|alice', tenant: undefined, role: 'reader' });
  const authenticate = (tenant?: string) =>
    definePolicy({
      name: 'authenticate',
      role: 'check',
      check: () => pass(caller([], { tenant })),
    });
  const seed = {
    call: { protocol: 'http', operation: 'GET /' },
    peer: { address: undefined, id: undefined },
  } as const;
  const inTenant = (tenant: string | undefined) =>
    guard()
      .use(authenticate(tenant))
      .use(loadRoles({ store, tenant: ({ principal }) => principal.tenant as string }))
      .use(
        requirePermission(model, 'articles:write', {
          roles: ({ assignedRoles }: { assignedRoles: { roles: ReadonlySet<string> } }) =>
            assignedRoles.roles,
        }),
      );

  test('a role counts in its own tenant', async () => {
    expect(await inTenant('acme').check(request, seed)).toMatchObject({ allowed: true });
  });

  test('a role of one tenant counts in no other, and one without a tenant in none', async () => {
    expect(await inTenant('globex').check(request, seed)).toMatchObject({
      denial: { code: 'permission.insufficient' },
    });
  });

  test('a call that names no tenant is denied before the store is asked', async () => {
    for (const tenant of [undefined, '']) {
      expect(await inTenant(tenant).check(request, seed)).toMatchObject({
        denial: { kind: 'forbidden', code: 'roles.tenant_unknown' },
      });
    }
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['hangs', () => new Promise(() => {})],
    ['answers a text', () => 'editor'],
    ['answers nothing', () => undefined],
    ['answers a role that is not a text', () => [{ toString: () => 'editor' }]],
    ['answers more than anybody has', () => Array.from({ length: 1_001 }, (_, at) => `r${at}`)],
  ])('a store that %s denies with roles.unavailable', async (_name, rolesOf) => {
    const policy = loadRoles({
      store: { ...store, rolesOf: rolesOf as never },
      tenant: false,
      timeout: '20ms',
    });
    expect(await policy.check(request, caller([]))).toMatchObject({
      ok: false,
      denial: { kind: 'unavailable', code: 'roles.unavailable', retryAfterMs: 1_000 },
    });
  });

  test.each<[string, unknown]>([
    ['no store', { tenant: false }],
    ['no word on the tenant', { store }],
    ['a tenant that is a text', { store, tenant: 'acme' }],
    ['a timeout without a unit', { store, tenant: false, timeout: 100 }],
    ['an unknown option', { store, tenant: false, cache: true }],
  ])('cannot be constructed with %s', (_name, options) => {
    expect(() => loadRoles(options as never)).toThrow(ConfigurationError);
  });
});
