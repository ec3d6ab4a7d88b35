import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Admission,
  type AssignedRolesFacts,
  allowAnonymous,
  authorizerRelation,
  field,
  filterOutput,
  guard,
  loadObject,
  loadRoles,
  messageMember,
  relation,
  requireOwner,
  requirePermission,
  requireRole,
  require as requireRule,
  requireTenant,
  resolveTenant,
  resource,
  roleModel,
  rule,
  subject,
  tenantFrom,
} from '../src/index.ts';

/** Where callers, tokens, stores and loaders put values that nobody has looked at. */
interface Door {
  readonly decide: (
    value: unknown,
  ) => Promise<{ readonly allowed: boolean; readonly code: string }>;
  /** Whether this very value may pass. */
  readonly admits: (value: unknown) => boolean;
}

interface Asking {
  readonly value: unknown;
}

const principal = {
  id: 'alice',
  subject: 'alice',
  issuer: 'i',
  tenant: 'acme',
  roles: new Set<string>(),
  scopes: new Set<string>(),
};
const facts = {
  call: { protocol: 'http', operation: 'GET /documents/:id' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
  principal,
  authentication: { method: 'test', scheme: 'Test', claims: {} },
};
const request = new Request('https://api.example.com/documents/d1');

/** Asks the policies that a value comes to, in a guard as in an application. */
function door(
  policies: (value: unknown) => readonly object[],
  admits: Door['admits'],
  supplied: (value: unknown) => object = () => ({}),
): Door {
  return {
    admits,
    decide: async (value) => {
      // Each door supplies what its policies need.
      let all = guard() as unknown as Admission<object, object> & {
        use: (policy: object) => typeof all;
      };
      for (const policy of [...policies(value), allowAnonymous()]) all = all.use(policy);
      const decision = await all.check(request, { ...facts, value, ...supplied(value) });
      return { allowed: decision.allowed, code: decision.allowed ? '' : decision.denial.code };
    },
  };
}

const caller = subject({
  fields: { name: field.text(), groups: field.list(field.text()), level: field.integer() },
  of: ({ value }: Asking) => ({ name: value, groups: value, level: value }),
});
const document = resource({
  name: 'document',
  fields: { id: field.text(), tenantId: field.text(), ownerId: field.text({ nullable: true }) },
  id: 'id',
  tenant: { field: 'tenantId', of: () => 'acme' },
});
const row = { id: 'd1', tenantId: 'acme', ownerId: 'alice' };
const model = roleModel({
  permissions: ['documents:read'],
  roles: { reader: { grants: ['documents:read'] } },
});
const record = { id: 'acme', status: 'active', attributes: {} };
const answering = (answer: (value: unknown) => unknown) => (value: unknown) =>
  answer(value) as never;
const withDocument = (document: unknown): object => ({ document });
const own = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
const related = (check: (value: unknown) => unknown) => (value: unknown) => [
  requireRule(
    rule.related(
      relation('viewer', {
        check: (_: string, __: string) => check(value) as boolean,
        list: () => [],
      }),
      document.ownerId,
      document.id,
    ),
  ),
];

const doors: Readonly<Record<string, Door>> = {
  'an id that a caller sends': door(
    (value) => [
      loadObject(document, { id: () => value, load: (id) => (id === 'd1' ? row : null) }),
    ],
    (value) => value === 'd1',
  ),
  'a message that holds an id': door(
    () => [
      loadObject(document, {
        id: messageMember('documentId'),
        load: (id) => (id === 'd1' ? row : null),
      }),
    ],
    (value) => own(value, 'documentId') === 'd1',
    (value) => ({ message: value }),
  ),
  'what a loader answers': door(
    (value) => [loadObject(document, { id: () => 'd1', load: answering(() => value) })],
    (value) => own(value, 'id') === 'd1' && own(value, 'tenantId') === 'acme',
  ),
  'what a loader of many answers': door(
    (value) => [loadObject(document, { id: () => 'd1', loadMany: answering(() => value) })],
    (value) => Array.isArray(value) && value.some((each) => own(each, 'id') === 'd1'),
  ),
  'the owner of an object': door(
    () => [requireOwner(document, { owner: 'ownerId' })],
    (value) => value === 'alice',
    (value) => withDocument({ ...row, ownerId: value }),
  ),
  'the tenant of an object': door(
    () => [requireOwner(document, { owner: 'ownerId' })],
    (value) => value === 'acme',
    (value) => withDocument({ ...row, tenantId: value }),
  ),
  'the object itself': door(
    () => [requireRule(rule.eq(document.ownerId, 'alice'))],
    (value) => own(value, 'ownerId') === 'alice' && own(value, 'tenantId') === 'acme',
    withDocument,
  ),
  'an attribute that must equal': door(
    () => [requireRule(rule.eq(caller.name, 'alice'))],
    (value) => value === 'alice',
  ),
  'an attribute that must not equal': door(
    () => [requireRule(rule.ne(caller.name, 'alice'))],
    (value) => isText(value) && value !== 'alice',
  ),
  'an attribute in a negation': door(
    () => [requireRule(rule.not(rule.in(caller.name, ['alice', 'bob'])))],
    (value) => isText(value) && value !== 'alice' && value !== 'bob',
  ),
  'a list of groups': door(
    () => [requireRule(rule.in('staff', caller.groups))],
    (value) => Array.isArray(value) && value.includes('staff') && value.every(isText),
  ),
  'a level': door(
    () => [requireRule(rule.ge(caller.level, 3))],
    (value) => Number.isSafeInteger(value) && (value as number) >= 3,
  ),
  'what a relation answers': door(
    related((value) => value),
    (value) => value === true,
    () => withDocument(row),
  ),
  'what a decision point answers': door(
    (value) => {
      const evaluate = answering(() => value);
      const reads = authorizerRelation(
        { evaluate },
        { subject: 'user', action: 'read', resource: 'document' },
      );
      return [requireRule(rule.related(relation('reads', reads), document.ownerId, document.id))];
    },
    (value) => own(value, 'decision') === true,
    () => withDocument(row),
  ),
  'the tenant of a credential': door(
    () => [resolveTenant({ from: [tenantFrom.principal()] })],
    isTenantId,
    (value) => ({ principal: { ...principal, tenant: value } }),
  ),
  'a claim that names a tenant': door(
    () => [resolveTenant({ from: [tenantFrom.claim('org')] })],
    isTenantId,
    (value) => ({ authentication: { ...facts.authentication, claims: { org: value } } }),
  ),
  'what a store of tenants answers': door(
    (value) => [requireTenant({ store: { read: answering(() => value) } })],
    (value) =>
      own(value, 'id') === 'acme' &&
      own(value, 'status') === 'active' &&
      typeof own(value, 'attributes') === 'object',
    () => ({ tenant: 'acme' }),
  ),
  'the tenant that a policy has found': door(
    () => [requireTenant({ store: { read: () => record } as never })],
    (value) => value === 'acme',
    (value) => ({ tenant: value }),
  ),
  'what a store of roles answers': door(
    (value) => [
      loadRoles({ store: { rolesOf: answering(() => value) } as never, tenant: false }),
      requireRole(model, 'reader', {
        roles: ({ assignedRoles }: AssignedRolesFacts) => assignedRoles.roles,
      }),
    ],
    (value) =>
      Array.isArray(value) &&
      value.includes('reader') &&
      value.every((each) => typeof each === 'string'),
  ),
  'the roles of a caller': door(
    () => [requireRole('reader')],
    (value) => value instanceof Set && value.has('reader'),
    (value) => ({ principal: { ...principal, roles: value } }),
  ),
  'the roles of a caller, for a permission': door(
    () => [requirePermission(model, 'documents:read')],
    (value) => value instanceof Set && value.has('reader'),
    (value) => ({ principal: { ...principal, roles: value } }),
  ),
};

function isText(value: unknown): value is string {
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value) && !value.includes('\0');
}
function isTenantId(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(value) &&
    !(value in Object.prototype)
  );
}

const throwing = (): never => {
  throw new Error('read');
};
/** What no JSON holds, but what stores, loaders and other policies may hand over. */
const odd: readonly unknown[] = [
  Symbol('d1'),
  () => 'd1',
  Object.assign(() => 'd1', { id: 'd1', tenantId: 'acme' }),
  new String('d1'),
  new String('acme'),
  ['d1'],
  { toString: () => 'd1', valueOf: () => 'd1' },
  { [Symbol.toPrimitive]: () => 'alice' },
  { size: 0 },
  { length: 1, 0: 'reader' },
  new Map([['reader', true]]),
  new Date(Number.NaN),
  Object.create(row),
  Object.create({ decision: true }),
  Object.defineProperty({}, 'decision', { get: throwing, enumerable: true }),
  Object.defineProperty({ tenantId: 'acme' }, 'id', { get: throwing, enumerable: true }),
  Object.defineProperty([], 0, { get: throwing, enumerable: true }),
  new Proxy({}, { get: throwing, getOwnPropertyDescriptor: throwing, ownKeys: throwing }),
  'd1\0',
  'alice\ud800',
  '\u202eacme',
  'x'.repeat(100_000),
  'constructor',
  '__proto__',
  Number.NaN,
  2 ** 53,
  3n,
];
const honest: readonly unknown[] = [
  'd1',
  'alice',
  'acme',
  3,
  true,
  ['staff'],
  ['reader'],
  new Set(['reader']),
  row,
  [row],
  { documentId: 'd1' },
  { decision: true },
  { id: 'acme', status: 'active', attributes: {} },
];
/** Those that are frozen, sealed or of a prototype of their own, too. */
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withTypedArray: true,
  withSparseArray: true,
});

describe.each(Object.entries(doors))('%s', (_name, { decide, admits }) => {
  const held = async (value: unknown): Promise<void> => {
    const { allowed, code } = await decide(value);
    expect(allowed).toBe(admits(value));
    if (!allowed) expect(code).toMatch(/^[a-z_]+\.[a-z_]+$/);
  };

  test('admits what is honest, and some value is', async () => {
    for (const value of honest) await held(value);
    const decisions = await Promise.all(honest.map(decide));
    expect(decisions.some(({ allowed }) => allowed)).toBe(true);
  });

  test('denies with a code what is odd, and rejects for none of it', async () => {
    for (const value of odd) {
      const { allowed, code } = await decide(value);
      if (allowed) expect(admits(value)).toBe(true);
      else expect(code).toMatch(/^[a-z_]+\.[a-z_]+$/);
    }
  });

  test('decides on any value at all by what it is', async () => {
    await fc.assert(fc.asyncProperty(anything, held), { numRuns: 200 });
  });
});

test('no payload at all goes out with more than its shape', () => {
  const policy = filterOutput({ shape: { id: 'value', items: [{ name: 'value' }] } });
  const outcome = policy.check(request, facts as never);
  const [obligations] = outcome.ok ? [outcome.obligations].flat() : [];
  const release = obligations?.onRelease;
  if (release === undefined) throw new Error('nothing filters');
  const leaf = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    value instanceof Date ||
    ArrayBuffer.isView(value);
  const fits = (value: unknown, names: readonly string[]): boolean =>
    value === null ||
    value === undefined ||
    (typeof value === 'object' && Object.keys(value).every((name) => names.includes(name)));
  let passed = 0;
  const member = fc.oneof(
    anything,
    fc.array(fc.dictionary(fc.constantFrom('name', 'x'), anything)),
  );
  const payload = fc.oneof(
    anything,
    fc.dictionary(fc.constantFrom('id', 'items', 'secret'), member),
  );
  fc.assert(
    fc.property(payload, (given) => {
      const released = release(given) as { readonly ok: boolean; readonly value?: any };
      if (!released.ok || released.value === null || released.value === undefined) return;
      passed += 1;
      const { id, items = [] } = released.value;
      expect(fits(released.value, ['id', 'items'])).toBe(true);
      expect(leaf(id)).toBe(true);
      for (const item of items ?? []) {
        expect(fits(item, ['name'])).toBe(true);
        expect(leaf(item?.name)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
  expect(passed).toBeGreaterThan(30);
});
