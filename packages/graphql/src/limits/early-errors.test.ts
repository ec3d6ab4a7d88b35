import {
  buildSchema,
  FieldsOnCorrectTypeRule,
  type GraphQLSchema,
  KnownDirectivesRule,
  KnownTypeNamesRule,
  parse,
  UniqueDirectivesPerLocationRule,
  validate,
} from 'graphql';
import { expect, test } from 'vitest';
import { hasManyErrors } from './early-errors.ts';

const schema = buildSchema(`
  interface Node { id: ID! }
  type User implements Node { id: ID!, friends: [User!] }
  type Order implements Node { id: ID!, total: Int }
  union Thing = User | Order
  type Query { me: User, node: Node, things: [Thing!], echo(text: String): String }
  directive @often repeatable on FIELD
  directive @here on FRAGMENT_SPREAD | FRAGMENT_DEFINITION | INLINE_FRAGMENT | VARIABLE_DEFINITION
  type Mutation { rename(name: String): User }
`);

const RULES = [
  FieldsOnCorrectTypeRule,
  KnownTypeNamesRule,
  KnownDirectivesRule,
  UniqueDirectivesPerLocationRule,
];

test.each([
  [
    'nothing unknown',
    '{ me { id friends { __typename } } node { id } __schema { types { name } } }',
  ],
  ['fields', '{ a b: c me { d friends { e } } }'],
  ['nothing below what is unknown', '{ a { b { c } } me { friends { d { e } } } }'],
  [
    'fields of abstract types',
    '{ node { total ... on Order { total tax } } things { id __typename } }',
  ],
  ['fields of a fragment once', '{ ...F ...F } fragment F on Query { a b }'],
  ['fields of a fragment that nobody spreads', '{ echo } fragment F on User { total }'],
  ['types of conditions', '{ ... on Nobody { a } me { ...F } } fragment F on Nothing { b }'],
  ['types of variables', 'query ($a: [Nope!]!, $b: Int, $c: Nope) { echo }'],
  ['introspection below the root', '{ me { __schema { a } __type(name: "User") { b } } }'],
  ['introspection by a mutation', 'mutation { __schema { a } rename { id name } }'],
  ['fields of introspection', '{ __schema { a types { b } } __type(name: "User") { c } }'],
  ['members of a prototype', '{ constructor hasOwnProperty me { toString } }'],
  ['fields of a scalar', '{ echo { a } }'],
  ['an operation that the schema does not have', 'subscription { a b }'],
  ['types of conditions below what is unknown', '{ a { ... on Nobody { b } } }'],
  ['directives that are repeated', '{ echo @skip(if: true) @skip(if: true) @skip(if: true) }'],
  [
    'each directive by itself',
    '{ echo @skip(if: true) @include(if: true) a: echo @skip(if: true) }',
  ],
  ['repeated ones that may be', '{ echo @often @often @often }'],
  ['unknown directives', '{ echo @nope @nope @constructor }'],
  [
    'directives in places of others',
    'query ($a: Int @skip(if: true) @here) @skip(if: true) { ... @often { echo @here } ...F @here @often }' +
      ' fragment F on Query @include(if: true) @here { echo }',
  ],
  ['directives of mutations', 'mutation @skip(if: true) { rename { id } }'],
  ['directives below what is unknown', '{ a { b @skip(if: true) @skip(if: true) c @nope } }'],
  ['nothing of definitions that are not executed', '{ a } input I { a: Int }'],
])('counts %s, as validation does', (_, text) => {
  const document = parse(text);
  const errors = validate(schema, document, RULES).length;
  expect(hasManyErrors(schema, document, errors)).toBe(false);
  expect(hasManyErrors(schema, document, errors - 1)).toBe(true);
});

test('ends at the first name that is too many', () => {
  let asked = 0;
  const counting = Object.assign(Object.create(schema) as GraphQLSchema, {
    getType: (name: string) => {
      asked++;
      return schema.getType(name);
    },
  });
  const document = parse(`{ ${'... on Nobody { a } '.repeat(1_000)} }`);
  expect([hasManyErrors(counting, document, 20), asked]).toEqual([true, 21]);
});
