import { collectRootFields, rootArguments } from '@apisec/graphql';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';

const schema = buildSchema(`
  input Who { name: String!, tenant: String = "main" }
  type Query { hello: String }
  type Mutation { login(email: String!, retries: Int = 3, who: Who): String }
`);

function read(source: string, variables: Record<string, unknown> = {}) {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('the test has no operation');
  return collectRootFields(schema, document, operation).map((root) =>
    rootArguments(schema, operation, root, variables),
  );
}

describe('the arguments of a root field are those of its resolver', () => {
  test.each<[string, string, Record<string, unknown>, unknown]>([
    ['a literal', 'mutation { login(email: "a") }', {}, { email: 'a', retries: 3 }],
    [
      'a variable of any name',
      'mutation ($x: String!) { login(email: $x) }',
      { x: 'a', email: 'not this' },
      { email: 'a', retries: 3 },
    ],
    [
      'the default of a variable',
      'mutation ($x: String! = "a") { login(email: $x, retries: null) }',
      {},
      { email: 'a', retries: null },
    ],
    [
      'a variable within a literal, and the defaults of an input',
      'mutation ($x: String!) { login(email: "a", who: { name: $x }) }',
      { x: 'b' },
      { email: 'a', retries: 3, who: { name: 'b', tenant: 'main' } },
    ],
    [
      'under an alias, in a fragment',
      'mutation { ...F } fragment F on Mutation { b: login(email: "a") }',
      {},
      { email: 'a', retries: 3 },
    ],
  ])('%s', (_, source, variables, args) => {
    expect(read(source, variables)).toEqual([args]);
  });

  test.each<[string, string, Record<string, unknown>]>([
    ['a variable is missing', 'mutation ($x: String!) { login(email: $x) }', {}],
    ['a variable has another type', 'mutation ($x: String!) { login(email: $x) }', { x: ['a'] }],
    ['an argument is missing', 'mutation { login }', {}],
    ['a literal has another type', 'mutation { login(email: { a: 1 }) }', {}],
    ['the schema has no such field', 'mutation { gone(email: "a") }', {}],
    ['the schema has no such operation', 'subscription { tick }', {}],
    ['it has no selection', '{ __typename }', {}],
  ])('and unknown where %s', (_, source, variables) => {
    expect(read(source, variables)).toEqual([undefined]);
  });
});
