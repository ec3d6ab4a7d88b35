import { allowAnonymous, guard } from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import { graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { SDL, times } from './hostile-documents.ts';
import { reasonOf, type Sent, schemaOf, servers } from './servers.ts';

const shop = () =>
  schemaOf(SDL, {
    'Query.viewer': () => ({}),
    'Query.echo': (_root, { text }) => text ?? null,
    'Query.me': () => ({ id: '1', name: 'ann', friends: [] }),
    'Query.users': (_root, args) => [{ id: '1', name: JSON.stringify(args) }],
    'Query.size': (_root, { of }) => of,
    'User.friends': (_user, { first }) => Array.from({ length: first ?? 0 }, () => ({ id: '2' })),
  });

/** Nobody writes them, and all of them are valid: what servers answer is what GraphQL.js does. */
const documents: readonly (readonly [string, Sent])[] = [
  ['a byte order mark in front', { query: '\u{feff}{ echo(text: "a") }' }],
  ['byte order marks between tokens', { query: '{\u{feff}echo\u{feff}(text:\u{feff}"a") }' }],
  ['commas and comments', { query: ',,{ # } {\n,echo,(,text:,"a",),,} #' }],
  ['ends of lines of every kind', { query: '{\r\necho\r(text: "a")\n\r}' }],
  ['a line separator in a string', { query: '{ echo(text: "a\u{2028}b\u{85}c") }' }],
  ['characters beyond 16 bits', { query: '{ echo(text: "😀\\u{1F600}\\uD83D\\uDE00") }' }],
  ['escapes', { query: '{ echo(text: "\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000") }' }],
  ['a block string', { query: '{ echo(text: """\n    a\n      b\n  \\""" c\n  """) }' }],
  ['an empty block string', { query: '{ echo(text: """""") }' }],
  [
    'names of members of every object',
    {
      query:
        '{ __proto__: echo(text: "a") constructor: echo(text: "b") hasOwnProperty: echo toString: viewer { __proto__: echo(text: "c") } }',
    },
  ],
  [
    'fragments of such names',
    {
      query:
        '{ ...__proto__ ...constructor } fragment __proto__ on Query { echo(text: "a") } fragment constructor on Query { b: echo(text: "b") }',
    },
  ],
  [
    'a variable of such a name',
    {
      query:
        'query ($constructor: String, $toString: String) { echo(text: $constructor) b: echo(text: $toString) }',
      variables: { constructor: 'a' },
    },
  ],
  [
    'variables with a prototype of their own',
    {
      query: 'query ($a: Filter) { users(filter: $a) { name } }',
      variables: JSON.parse('{"a":{"text":"a"},"__proto__":{"a":1},"constructor":2}') as object,
    },
  ],
  [
    'an operation of such a name',
    {
      query: 'query __proto__ { echo(text: "a") } query constructor { echo(text: "b") }',
      operationName: 'constructor',
    },
  ],
  [
    'keywords as names',
    {
      query:
        'query query($fragment: String = "a") { query: echo(text: $fragment) mutation: echo on: echo true: echo null: echo ...type } fragment type on Query { fragment: viewer { echo } }',
    },
  ],
  [
    'a name that looks like introspection',
    { query: '{ __schema: echo(text: "a") __type: viewer { __typename } __typename }' },
  ],
  [
    'directives that decide',
    {
      query:
        'query ($a: Boolean = true) { a: echo @skip(if: $a) ... @include(if: $a) { b: echo(text: "b") } ...F @skip(if: $a) @include(if: false) c: echo @note @note(text: "a") } fragment F on Query { d: echo }',
    },
  ],
  ['nothing that is left', { query: '{ echo @skip(if: true) }' }],
  [
    'a variable for an item of a list',
    {
      query: 'query ($a: ID!) { users(ids: [$a, "b", 3]) { name } }',
      variables: { a: 9_007_199_254_740_991 },
    },
  ],
  ['one value for a list', { query: '{ users(ids: "1") { name } }' }],
  [
    'null for an argument',
    {
      query:
        'query ($a: String) { echo(text: null) b: echo(text: $a) c: users(filter: { and: null }) { name } }',
      variables: { a: null },
    },
  ],
  [
    'the smallest and the largest numbers',
    { query: '{ me { a: friends(first: -0) { id } b: friends(first: 0) { id } } }' },
  ],
  [
    'an input in an input in an input',
    { query: `{ users(filter: ${'{ and: '.repeat(8)}{ size: S }${' }'.repeat(8)}) { name } }` },
  ],
  ['one field many times', { query: `{ ${'echo(text: "a") '.repeat(100)} }` }],
  [
    'one fragment many times',
    { query: `{ ${'...F '.repeat(100)} } fragment F on Query { echo(text: "a") }` },
  ],
  [
    'thirty fragments in a chain',
    {
      query: `{ ...F0 } ${times(30, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F30 on Query { echo(text: "a") }`,
    },
  ],
  ['a document of some length', { query: `{ echo(text: "a") } ${'# a comment\n'.repeat(3_000)}` }],
  ['a long string', { query: `{ echo(text: "${'a'.repeat(80_000)}") }` }],
  [
    'extensions that say nothing',
    { query: '{ echo(text: "a") }', extensions: { a: [1], __proto__: null } },
  ],
  [
    'variables that nobody declared',
    { query: '{ echo(text: "a") }', variables: { a: { b: [null] } } },
  ],
  [
    'an operation beside others',
    {
      query: 'query A { echo(text: "a") } mutation B { rename { id } } subscription C { ticks }',
      operationName: 'A',
    },
  ],
];

describe.each(servers)('%s', (_server, serve) => {
  test.each(documents)('answers %s as GraphQL.js does', async (_, sent) => {
    const admission = guard<any>().use(limitOperation()).use(allowAnonymous());
    const { send } = await serve({ admission: admission as never }, shop());
    const { query = '', variables, operationName } = sent;
    const bare = await graphql({
      schema: shop(),
      source: query,
      variableValues: (variables ?? {}) as Record<string, unknown>,
      operationName,
    });
    expect(bare.errors).toBeUndefined();
    const { status, body } = await send(undefined, sent);
    expect([status ?? 200, body]).toEqual([200, JSON.parse(JSON.stringify({ data: bare.data }))]);
  });

  test('does not take values of variables that were not sent from the prototype of the others', async () => {
    const ran: unknown[] = [];
    const schema = schemaOf(
      'scalar JSON input In { first: Int } type Query { a(of: JSON, in: In): Int }',
      {
        'Query.a': (_root, args) => void ran.push(args),
      },
    );
    const admission = guard<any>().use(allowAnonymous());
    const { send } = await serve({ admission: admission as never }, schema);
    const query = 'query ($__proto__: JSON, $n: Int) { a(of: $__proto__, in: { first: $n }) }';
    const answer = await send(undefined, {
      query,
      variables: JSON.parse('{"__proto__":{"n":{"$gt":0}}}') as object,
    });
    expect([reasonOf(answer), ran]).toEqual(['message.malformed', []]);
  });
});
