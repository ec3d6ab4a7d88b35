import { describe, expect, test } from 'vitest';
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
    'a reference to the name of a schema, as TypeBox writes them',
    { $id: 'T0', properties: { kids: { type: 'array', items: { $ref: 'T0' } } } },
    { kids: [{ kids: [], b: 1 }] },
    ['/kids/0/b'],
  ],
  [
    'a reference to a schema among others, as TypeBox writes modules',
    { $defs: { user: { $id: 'user', properties: { a: {} } } }, $ref: 'user' },
    { a: 1, b: 1 },
    ['/b'],
  ],
  [
    'a reference to an anchor',
    { properties: { a: { $ref: '#home' } }, $defs: { x: { $anchor: 'home', properties: {} } } },
    { a: { b: 1 } },
    ['/a/b'],
  ],
  [
    'the first items of a list, as draft 7 has them',
    { properties: { a: { items: [{ properties: {} }], additionalItems: { properties: {} } } } },
    { a: [{ b: 1 }, { c: 1 }] },
    ['/a/0/b', '/a/1/c'],
  ],
  ['a value that has no members', user, 'text', []],
])('%s', (_name, schema, input, unknown) => {
  expect(undescribedMembers(schema as Record<string, unknown>)?.(input, 10)).toEqual(unknown);
});

test('reports as many as were asked for', () => {
  const input = { a: 1, b: 1, c: 1, d: { e: 1 } };
  expect(undescribedMembers(user)?.(input, 2)).toEqual(['/a', '/b']);
});

test.each<[string, Record<string, unknown>]>([
  ['nowhere', { properties: { a: { $ref: '#/$defs/none' } } }],
  ['to another document', { $ref: 'https://example.com/user' }],
  ['to one of two', { $defs: { a: { $id: 'x', type: 'object' }, b: { $id: 'x' } }, $ref: 'x' }],
  ['to whatever is around it', { $dynamicRef: '#node' }],
])('a schema with a reference that leads %s describes nothing', (_name, schema) => {
  expect(undescribedMembers(schema)).toBeUndefined();
});

describe('where a library hands on what it does not know, a member of an alternative counts only if it', () => {
  const described = (value: unknown, member: object, more: object = {}) =>
    undescribedMembers(
      { anyOf: [{ properties: { a: {} } }, { properties: { a: {}, b: member }, ...more }] },
      { keeps: true },
    )?.(value, 10);
  const nested = { type: 'object', properties: { c: { type: 'string' } }, required: ['c'] };
  test.each<[string, object, unknown, unknown]>([
    ['is of its type', { type: 'string' }, 'x', { $ne: 1 }],
    ['is of one of its types', { type: ['string', 'null'] }, null, 1],
    ['is a whole number', { type: 'integer' }, 1, 1.5],
    ['is within its bounds', { type: 'integer', maximum: 10 }, 10, 11],
    ['is below its bound', { type: 'number', exclusiveMaximum: 10 }, 9, 10],
    ['is not too long', { type: 'string', maxLength: 2 }, 'xx', 'xxx'],
    ['fits its pattern', { type: 'string', pattern: '^x' }, 'x', 'y'],
    ['fits a pattern without Unicode', { type: 'string', pattern: '^\\-x' }, '-x', 'y'],
    ['is a constant', { const: 'x' }, 'x', 'y'],
    ['is one of a list', { enum: ['x'] }, 'x', 'y'],
    ['has members that fit', nested, { c: 'x' }, { c: { $ne: 1 } }],
    ['has the members that it must', nested, { c: 'x' }, {}],
    ['has items that fit', { type: 'array', items: { type: 'string' } }, ['x'], [1]],
    ['has as many items', { type: 'array', maxItems: 1 }, [1], [1, 2]],
    ['fits all of it', { allOf: [{ type: 'number' }, { minimum: 2 }] }, 2, 1],
    ['fits one of its own alternatives', { anyOf: [nested, { type: 'null' }] }, null, { c: 1 }],
  ])('%s', (_name, member, fitting, other) => {
    expect(described({ a: 1, b: fitting }, member)).toEqual([]);
    // Of a member that is none, the members within are not listed.
    expect(described({ a: 1, b: other }, member)).toEqual(['/b']);
  });

  test('nested alternatives are checked in bounded time', () => {
    const node: Record<string, unknown> = { $id: 'node', type: 'object' };
    const child = { $ref: 'node' };
    node['anyOf'] = [
      { properties: { x: child }, required: ['x'] },
      { properties: { x: child, y: { type: 'string' } }, required: ['x', 'y'] },
      { properties: { end: { const: 1 } }, required: ['end'] },
    ];
    let value: object = { end: 2 };
    let looks = 0;
    for (let depth = 0; depth < 30; depth++) {
      const inner = value;
      value = Object.defineProperty({ y: 'z' }, 'x', {
        enumerable: true,
        get: () => (looks++, inner),
      });
    }
    undescribedMembers(node, { keeps: true })?.(value, 10);
    expect(looks).toBeLessThan(2_000);
  });
});
