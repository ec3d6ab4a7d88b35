import { expect, test } from 'vitest';
import { undescribedMembers } from './described-members.ts';

const user = { type: 'object', properties: { name: { type: 'string' } } };
const admin = {
  type: 'object',
  required: ['role'],
  properties: { role: { const: 'admin' }, scopes: { type: 'array', items: { type: 'string' } } },
};

test.each<[string, object, unknown, readonly string[]]>([
  ['a member that is named', user, { name: 'a' }, []],
  ['a member that is not named', user, { name: 'a', isAdmin: true }, ['/isAdmin']],
  ['a member whose value is undefined', user, { name: 'a', isAdmin: undefined }, []],
  ['a member named like one of every object', user, { ['constructor']: 1 }, ['/constructor']],
  ['members of a schema that says nothing', {}, { a: 1 }, []],
  ['additionalProperties: true', { additionalProperties: true }, { a: 1 }, []],
  ['additionalProperties: false', { additionalProperties: false }, { a: 1 }, ['/a']],
  [
    'additionalProperties with a schema, below',
    { additionalProperties: user },
    { a: { name: 'a', b: 1 } },
    ['/a/b'],
  ],
  ['unevaluatedProperties: true', { unevaluatedProperties: true }, { a: 1 }, []],
  [
    'a pattern that fits, and one that does not',
    { patternProperties: { '^x-': {} } },
    { 'x-a': 1, 'x-b': 1, y: 1 },
    ['/y'],
  ],
  [
    'a name and a pattern for the same member',
    { properties: { a: user }, patternProperties: { a: { properties: { age: {} } } } },
    { a: { name: 'a', age: 1, b: 1 } },
    ['/a/b'],
  ],
  ['items of a list', { items: user }, [{ name: 'a' }, { name: 'a', b: 1 }], ['/1/b']],
  [
    'items by place, and those behind',
    { prefixItems: [user, {}], items: { properties: { last: {} } } },
    [{ name: 'a', b: 1 }, { any: 1 }, { last: 1, c: 1 }],
    ['/0/b', '/2/c'],
  ],
  ['items that nothing is said of', { prefixItems: [user] }, [{ name: 'a' }, { b: 1 }], []],
  ['a list where only members are named', user, [{ b: 1 }], []],
  ['allOf', { allOf: [user, { properties: { age: {} } }] }, { name: 'a', age: 1, b: 1 }, ['/b']],
  [
    'then and else',
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema calls it so.
    { if: {}, then: user, else: { properties: { age: {} } } },
    { name: 'a', age: 1, b: 1 },
    ['/b'],
  ],
  ['an alternative that can be meant', { anyOf: [user, admin] }, { role: 'admin', scopes: [] }, []],
  [
    'an alternative that its constant rules out',
    { anyOf: [user, admin] },
    { role: 'user', scopes: [] },
    ['/role', '/scopes'],
  ],
  [
    'an alternative whose required member is missing',
    { oneOf: [user, admin] },
    { name: 'a', scopes: [] },
    ['/scopes'],
  ],
  [
    'an alternative of another type',
    { anyOf: [user, { type: 'array', properties: { b: {} } }] },
    { b: 1 },
    ['/b'],
  ],
  [
    'an alternative that is a constant',
    { anyOf: [user, { const: 1, properties: { b: {} } }] },
    { b: 1 },
    ['/b'],
  ],
  ['an alternative that takes anything', { anyOf: [user, true] }, { name: 'a' }, []],
  [
    'an alternative by an enumeration',
    { anyOf: [user, { properties: { kind: { enum: ['x'] }, b: {} } }] },
    { kind: 'y', b: 1 },
    ['/kind', '/b'],
  ],
  [
    'all alternatives, where none can be meant',
    { anyOf: [admin, { required: ['x'], properties: { y: {} } }] },
    { scopes: [], y: 1, z: 1 },
    ['/z'],
  ],
  [
    'a reference',
    { $ref: '#/$defs/a~1user', $defs: { 'a/user': user } },
    { name: 'a', b: 1 },
    ['/b'],
  ],
  [
    'a reference to itself',
    { properties: { child: { $ref: '#' } } },
    { child: { child: { b: 1 } } },
    ['/child/child/b'],
  ],
  [
    'an alternative behind a reference',
    { anyOf: [{ $ref: '#/$defs/admin' }, user], $defs: { admin } },
    { role: 'user' },
    ['/role'],
  ],
  [
    'a reference that leads nowhere',
    { properties: { a: { $ref: '#/$defs/none' } } },
    { a: { b: 1 } },
    [],
  ],
  ['a reference to another document', { $ref: 'https://example.com/user' }, { b: 1 }, []],
  ['a value that has no members', user, 'text', []],
])('%s', (_name, schema, input, unknown) => {
  expect(undescribedMembers(schema as Record<string, unknown>)(input, 10)).toEqual(unknown);
});

test('as many are told as were asked for', () => {
  const input = { a: 1, b: 1, c: 1, d: { e: 1 } };
  expect(undescribedMembers(user)(input, 2)).toEqual(['/a', '/b']);
});
