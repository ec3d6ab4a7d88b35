import { authenticateJwt, guard, requirePermission, requireRole, roleModel } from '@apisec/core';
import { expectTypeOf, test } from 'vitest';

const model = roleModel({
  permissions: ['articles:read', 'articles:write', 'users:invite'],
  roles: {
    reader: { grants: ['articles:read'] },
    editor: { includes: ['reader'], grants: ['articles:*'] },
    admin: { grants: ['*'] },
  },
});

test('a permission that the model does not know does not compile', () => {
  requirePermission(model, 'articles:read');
  requirePermission(model, ['articles:read', 'users:invite']);
  // @ts-expect-error not a permission of the model
  requirePermission(model, 'articles:delete');
  // @ts-expect-error a wildcard is not a permission
  requirePermission(model, 'articles:*');
});

test('a role that the model does not know does not compile', () => {
  requireRole(model, 'editor');
  // @ts-expect-error not a role of the model
  requireRole(model, 'root');
});

test('a role cannot grant or include what the model does not know', () => {
  roleModel({
    permissions: ['articles:read'],
    // @ts-expect-error not a permission of the model
    roles: { reader: { grants: ['articles:write'] } },
  });
  roleModel({
    permissions: ['articles:read'],
    roles: {
      reader: { grants: ['articles:read'] },
      // @ts-expect-error not a role of the model
      editor: { includes: ['writer'] },
    },
  });
});

test('a permission cannot be demanded before the caller is known', () => {
  const known = guard().use(authenticateJwt({ issuer: 'i', audience: 'a' }));
  expectTypeOf(known.use(requirePermission(model, 'articles:read')).role).toEqualTypeOf<'grant'>();
  // @ts-expect-error Property 'principal' is missing
  guard().use(requirePermission(model, 'articles:read'));
});
