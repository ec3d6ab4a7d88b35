import {
  type AuthenticatedFacts,
  field,
  filterOutput,
  memoryTenantStore,
  type Principal,
  plan,
  require,
  requirePermission,
  requireRole,
  requireTenant,
  resource,
  roleModel,
  rule,
  subject,
  toSql,
} from '@apisec/core';
import { createMongoAbility, subject as setSubject } from '@casl/ability';
import {
  type AuthorizationAnswer,
  preparsePolicySet,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import { newEnforcer, newModel, StringAdapter } from 'casbin';
import { z } from 'zod';
import { inTurns, print } from '../in-turns.ts';

// The same policies, as each library writes them. All of them are asked whether they say so before they are measured.

/** Rounds so short that what else the machine does hits few of them; the best one counts. */
const SHORT = { each: 2_000, rounds: 200 };

const request = { method: 'GET', url: '/', headers: { get: () => null, has: () => false } };
const principal: Principal = {
  id: 'https://id.example.com|ann',
  subject: 'ann',
  issuer: 'https://id.example.com',
  tenant: 'acme',
  scopes: new Set(),
  roles: new Set(['member', 'editor', 'auditor']),
};
const authentication = {
  method: 'jwt',
  scheme: 'Bearer',
  claims: { department: 'sales', level: 3 },
};
const call = { protocol: 'http', operation: 'GET /' } as const;
const peer = { address: '192.0.2.1', id: '192.0.2.1' } as const;
const known = { principal, authentication, call, peer };

/** Does not measure what answers wrong. */
function assertAdmits(answers: Readonly<Record<string, boolean>>): void {
  for (const [name, answer] of Object.entries(answers))
    if (!answer) throw new Error(`${name} does not admit.`);
}
const admits = (answer: unknown): boolean => (answer as { readonly ok?: unknown }).ok === true;

/** One of three roles grants every permission by name, and the last one is asked for. */
async function permissions(count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `things${index}:read`);
  const [first = '', last = ''] = [names[0], names.at(-1)];
  const model = roleModel({
    permissions: names,
    roles: {
      member: { grants: [first] },
      auditor: { grants: [first] },
      editor: { includes: ['member'], grants: names },
    },
  });
  const policy = requirePermission(model, last);
  const role = requireRole(model, 'member');
  const ability = createMongoAbility(
    names.map((name) => ({ action: 'read', subject: name.split(':')[0] as string })),
  );
  const asked = last.split(':')[0] as string;
  const enforcer = await newEnforcer(
    newModel(`
      [request_definition]
      r = sub, obj, act
      [policy_definition]
      p = sub, obj, act
      [role_definition]
      g = _, _
      [policy_effect]
      e = some(where (p.eft == allow))
      [matchers]
      m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
    `),
    new StringAdapter(
      [...names.map((name) => `p, editor, ${name.replace(':', ', ')}`), 'g, ann, editor'].join(
        '\n',
      ),
    ),
  );
  const cedar = names
    .map(
      (name) =>
        `permit(principal in Role::"editor", action == Action::"read", resource == Thing::"${name.split(':')[0]}");`,
    )
    .join('\n');
  preparsePolicySet(`permissions-${count}`, { staticPolicies: cedar });
  const question = {
    principal: { type: 'User', id: 'ann' },
    action: { type: 'Action', id: 'read' },
    resource: { type: 'Thing', id: asked },
    context: {},
    preparsedPolicySetId: `permissions-${count}`,
    validateRequest: false,
    entities: [
      { uid: { type: 'User', id: 'ann' }, attrs: {}, parents: [{ type: 'Role', id: 'editor' }] },
    ],
  };
  const fast = {
    'CASL, a permission': () => ability.can('read', asked),
    requirePermission: () => policy.check(request, known),
    'requireRole, by inclusion': () => role.check(request, known),
  };
  const slow = {
    'casbin, a permission': () => enforcer.enforceSync('ann', asked, 'read'),
    'Cedar, a permission': () => statefulIsAuthorized(question),
  };
  assertAdmits({
    apisec: admits(fast.requirePermission()),
    role: admits(fast['requireRole, by inclusion']()),
    CASL: fast['CASL, a permission'](),
    casbin: slow['casbin, a permission'](),
    Cedar: decided(slow['Cedar, a permission']()),
  });
  const all = new Map([
    ...(await inTurns(fast, SHORT)),
    ...(await inTurns(slow, { each: 2, rounds: count > 10 ? 5 : 100 })),
  ]);
  print(`one check among ${count.toLocaleString('en')} permissions`, all);
}

function decided(answer: AuthorizationAnswer): boolean {
  return answer.type === 'success' && answer.response.decision === 'allow';
}

await permissions(10);
await permissions(10_000);

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
    ownerId: field.text(),
    department: field.text(),
    status: field.text(),
    size: field.integer(),
    deletedAt: field.integer({ nullable: true }),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});
const row = {
  id: '7',
  tenantId: 'acme',
  ownerId: 'bob',
  department: 'sales',
  status: 'published',
  size: 40,
  deletedAt: null,
};

/** Six leaves, all of which are looked at. */
const readable = rule.all(
  rule.eq(caller.department, document.department),
  rule.role('editor'),
  rule.ge(caller.level, 3),
  rule.in(document.status, ['published', 'review']),
  rule.lt(document.size, 100),
  rule.isNull(document.deletedAt),
);
const read = require(readable);
const facts = { ...known, document: row };

const conditions = {
  department: 'sales',
  status: { $in: ['published', 'review'] },
  size: { $lt: 100 },
  deletedAt: null,
  tenantId: 'acme',
};
const ability = createMongoAbility([{ action: 'read', subject: 'Document', conditions }]);
const object = setSubject('Document', { ...row });
const matcher = await newEnforcer(
  newModel(`
    [request_definition]
    r = sub, obj, act
    [policy_definition]
    p = role, act
    [policy_effect]
    e = some(where (p.eft == allow))
    [matchers]
    m = r.act == p.act && r.sub.department == r.obj.department && r.sub.role == p.role && r.sub.level >= 3 && (r.obj.status == 'published' || r.obj.status == 'review') && r.obj.size < 100 && r.obj.tenantId == r.sub.tenantId
  `),
  new StringAdapter('p, editor, read'),
);
const user = { department: 'sales', role: 'editor', level: 3, tenantId: 'acme' };
preparsePolicySet('documents', {
  staticPolicies: `permit(principal in Role::"editor", action == Action::"read", resource) when {
    principal.department == resource.department && principal.level >= 3 &&
    ["published", "review"].contains(resource.status) && resource.size < 100 &&
    !(resource has deletedAt) && principal.tenantId == resource.tenantId
  };`,
});
const { deletedAt: _absent, ...attrs } = row;
const cedarQuestion = {
  principal: { type: 'User', id: 'ann' },
  action: { type: 'Action', id: 'read' },
  resource: { type: 'Document', id: '7' },
  context: {},
  preparsedPolicySetId: 'documents',
  validateRequest: false,
  entities: [
    {
      uid: { type: 'User', id: 'ann' },
      attrs: { department: 'sales', level: 3, tenantId: 'acme' },
      parents: [{ type: 'Role', id: 'editor' }],
    },
    { uid: { type: 'Document', id: '7' }, attrs, parents: [] },
  ],
};
const ask = () => statefulIsAuthorized(cedarQuestion);
assertAdmits({
  apisec: admits(read.check(request, facts)),
  CASL: ability.can('read', object),
  casbin: matcher.enforceSync(user, row, 'read'),
  Cedar: decided(ask()),
});
print(
  'one object against a rule of six conditions and its tenant',
  new Map([
    ...(await inTurns(
      {
        'CASL, rule made for the caller before': () => ability.can('read', object),
        'require(rule)': () => read.check(request, facts),
      },
      SHORT,
    )),
    ...(await inTurns(
      { 'casbin, matcher': () => matcher.enforceSync(user, row, 'read'), Cedar: ask },
      { each: 5, rounds: 200 },
    )),
  ]),
);

const visible = plan(readable, document);
const where = toSql(document, {
  dialect: 'postgresql',
  columns: {
    id: 'text',
    tenantId: 'text',
    ownerId: 'text',
    department: 'text',
    status: 'text',
    size: 'integer',
    deletedAt: 'bigint',
  },
});
const rendered = where(visible(known));
if (rendered.params.length === 0) throw new Error('The plan has no parameters.');
print(
  'a list by the same rule',
  await inTurns(
    {
      'plan and toSql': () => where(visible(known)),
      'plan alone': () => visible(known),
    },
    { each: 100, rounds: 200 },
  ),
);

const spread = Array.from({ length: 100 }, (_, index) => ({
  ...row,
  id: String(index),
  owner: { id: 'bob', name: 'Bob', email: 'bob@example.com' },
  tags: ['a', 'b'],
}));
/** As a driver or a parser makes them: alike for the engine, which those that were made by a spread are not. */
const items = JSON.parse(JSON.stringify(spread)) as typeof spread;
const output = filterOutput({
  shape: [
    {
      id: 'value',
      department: 'value',
      status: 'value',
      size: 'value',
      owner: { id: 'value', name: 'value' },
      tags: ['value'],
    },
  ],
});
const admitted = output.check(request, known);
const release = (admitted as { obligations: { onRelease: (payload: unknown) => unknown } })
  .obligations.onRelease;
const schema = z.array(
  z.object({
    id: z.string(),
    department: z.string(),
    status: z.string(),
    size: z.number(),
    owner: z.object({ id: z.string(), name: z.string() }),
    tags: z.array(z.string()),
  }),
);
const byHand = (list: typeof items) =>
  list.map(({ id, department, status, size, owner, tags }) => ({
    id,
    department,
    status,
    size,
    owner: { id: owner.id, name: owner.name },
    tags: tags.slice(),
  }));
/** The same map with what `filterOutput` does not go without: types, prototypes, and each name looked at. */
const plainValue = (value: unknown): unknown => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  throw new Error('Not a plain value.');
};
const assertAlike = (object: object, names: readonly string[]): void => {
  if (typeof object !== 'object' || object === null) throw new Error('Not an object.');
  if (Object.getPrototypeOf(object) !== Object.prototype) throw new Error('Not a plain object.');
  let at = 0;
  for (const name in object) if (name !== names[at++]) throw new Error('Not alike.');
};
const itemNames = Object.keys(items[0] as object);
const ownerNames = ['id', 'name', 'email'];
const byHandChecked = (list: typeof items) =>
  list.map((item) => {
    assertAlike(item, itemNames);
    assertAlike(item.owner, ownerNames);
    if (!Array.isArray(item.tags)) throw new Error('Not a list.');
    return {
      id: plainValue(item.id),
      department: plainValue(item.department),
      status: plainValue(item.status),
      size: plainValue(item.size),
      owner: { id: plainValue(item.owner.id), name: plainValue(item.owner.name) },
      tags: item.tags.map(plainValue),
    };
  });
const typebox = Type.Array(
  Type.Object({
    id: Type.String(),
    department: Type.String(),
    status: Type.String(),
    size: Type.Number(),
    owner: Type.Object({ id: Type.String(), name: Type.String() }),
    tags: Type.Array(Type.String()),
  }),
);
const compiled = TypeCompiler.Compile(typebox);
/** Its check is compiled, but what removes the other members is not, and changes what it is given. */
const cleaned = (list: typeof items): unknown => {
  if (!compiled.Check(list)) throw new Error('Not of the schema.');
  return Value.Clean(typebox, structuredClone(list));
};
const wanted = JSON.stringify(byHand(items));
const filtered = {
  'a map by hand with the same checks': byHandChecked(items),
  filterOutput: (release(items) as { value: unknown }).value,
  zod: schema.parse(items),
  'zod without generated code': schema.parse(items, { jitless: true }),
  typebox: cleaned(items),
};
for (const [name, answer] of Object.entries(filtered)) {
  if (JSON.stringify(answer) !== wanted)
    throw new Error(`${name} does not filter like the others.`);
}
for (const [title, list] of [
  ['a list of 100 items on its way out', items],
  ['the same list with items made by a spread', spread],
] as const) {
  const kept = byHand(list);
  print(
    title,
    await inTurns(
      {
        'a map by hand': () => byHand(list),
        'a map by hand with the same checks': () => byHandChecked(list),
        filterOutput: () => release(list),
        'zod, parse': () => schema.parse(list),
        'zod, parse without generated code': () => schema.parse(list, { jitless: true }),
        'typebox, compiled check alone': () => compiled.Check(list),
        'typebox, check, copy and clean': () => cleaned(list),
        'JSON.stringify of what goes out': () => JSON.stringify(kept),
        'the map by hand, then JSON.stringify': () => JSON.stringify(byHand(list)),
        'filterOutput, then JSON.stringify': () =>
          JSON.stringify((release(list) as { value: unknown }).value),
      },
      { each: 5, rounds: 1_000 },
    ),
  );
}

const tenants = memoryTenantStore();
tenants.create({ id: 'acme', status: 'active', attributes: {} });
const active = requireTenant({ store: tenants, cacheFor: '1m' });
const inTenant = { ...known, tenant: 'acme' };
await active.check(request, inTenant);
print(
  'a tenant that was asked about before',
  await inTurns({ requireTenant: () => active.check(request, inTenant) }, SHORT),
);
