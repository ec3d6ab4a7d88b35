import {
  type AuthenticatedFacts,
  authenticateJwt,
  definePolicy,
  field,
  guard,
  type NoFacts,
  type Principal,
  pass,
  relation,
  require,
  requirePermission,
  requireRole,
  resource,
  roleModel,
  rule,
  type SyncPolicy,
  subject,
} from '@apisec/core';
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

const caller = subject({
  fields: { department: field.text(), level: field.integer() },
  of: ({ authentication: { claims } }: AuthenticatedFacts) => ({
    department: claims['department'],
    level: claims['level'],
  }),
});
const document = resource({
  name: 'document',
  fields: {
    id: field.text(),
    tenantId: field.text(),
    department: field.text({ nullable: true }),
    status: field.text<'draft' | 'published'>(),
    readers: field.list(field.text()),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});
const action = rule.action<'read' | 'approve'>();

test('a misspelled attribute or constant does not compile', () => {
  rule.eq(caller.department, document.department);
  // @ts-expect-error not a field
  rule.eq(caller.departmnt, document.department);
  // @ts-expect-error not a field
  rule.eq(caller.department, document.departement);
  rule.eq(document.status, 'draft');
  // @ts-expect-error not a status
  rule.eq(document.status, 'drafts');
  // @ts-expect-error not a status
  rule.in(document.status, ['draft', 'x']);
  // @ts-expect-error text is not a number
  rule.eq(caller.level, '3');
  // @ts-expect-error text is not a number
  rule.eq(caller.level, document.department);
  // @ts-expect-error not an action
  rule.eq(action, 'aprove');
});

test('only a field that may be missing can be asked whether it is', () => {
  rule.isNull(document.department);
  // @ts-expect-error this field is never missing
  rule.isNull(document.status);
});

test('a rule says what it needs, and a guard that lacks it does not compile', () => {
  const both = rule.all(rule.eq(caller.department, document.department), rule.eq(action, 'read'));
  const policy = require(both, { action: 'read' });
  const known = guard().use(authenticateJwt({ issuer: 'i', audience: 'a' }));
  // @ts-expect-error nothing has loaded the document
  known.use(policy);
  const loaded = definePolicy({
    name: 'load',
    role: 'check',
    check: () => pass({ document: { id: '1' } }),
  });
  expectTypeOf(known.use(loaded).use(policy).role).toEqualTypeOf<'grant'>();
  // @ts-expect-error the rule asks for an action
  require(both);
  // @ts-expect-error not an action of the rule
  require(both, { action: 'delete' });
});

test('a rule without relations guards a GraphQL field, one with them does not', () => {
  expectTypeOf(require(rule.role('admin'))).toExtend<SyncPolicy<never, NoFacts, 'grant'>>();
  const member = relation('member', { check: (_: string, __: string) => true, list: () => [] });
  const related = rule.related(member, rule.caller.id, document.id);
  expectTypeOf(require(related)).not.toExtend<SyncPolicy<never, NoFacts, 'grant'>>();
  expectTypeOf(require(rule.any(related, rule.role('x')))).not.toExtend<
    SyncPolicy<never, NoFacts, 'grant'>
  >();
});

test('a resource does not compile without a word on tenants', () => {
  // @ts-expect-error tenant is missing
  resource({ name: 'thing', fields: { id: field.text() }, id: 'id' });
  resource({ name: 'thing', fields: { id: field.text() }, id: 'id', tenant: false });
  // @ts-expect-error not a field
  resource({ name: 'thing', fields: { id: field.text() }, id: 'key', tenant: false });
});
