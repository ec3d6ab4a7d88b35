import { collectRootFields, listRootFields } from '@apisec/graphql';
import * as fc from 'fast-check';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';

const schema = buildSchema(`
  interface Shop { orders: String }
  type Query implements Shop { orders: String users: String }
  type Mutation { create: String }
`);

function collect(source: string, name?: string): string[] {
  const document = parse(source);
  const operation = getOperationAST(document, name);
  if (!operation) throw new Error('the test names no operation');
  return collectRootFields(schema, document, operation)
    .map(({ coordinate, responseName }) => `${coordinate} ${responseName}`)
    .toSorted();
}

describe('the root fields of an operation', () => {
  test.each([
    ['as they are', '{ orders users }', ['Query.orders orders', 'Query.users users']],
    ['under an alias', '{ a: orders b: orders }', ['Query.orders a', 'Query.orders b']],
    [
      'in an inline fragment',
      '{ ... { orders } ... on Shop { users } }',
      ['Query.orders orders', 'Query.users users'],
    ],
    [
      'in fragments of fragments',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { orders }',
      ['Query.orders orders'],
    ],
    [
      'in fragments that go round',
      '{ ...A } fragment A on Query { ...B orders } fragment B on Query { ...A }',
      ['Query.orders orders'],
    ],
    [
      'although they are skipped',
      '{ orders @skip(if: true) users @include(if: false) }',
      ['Query.orders orders', 'Query.users users'],
    ],
    ['of a mutation', 'mutation { create }', ['Mutation.create create']],
    [
      'of introspection',
      '{ __schema { types { name } } a: __type(name: "X") { name } }',
      ['Query.__schema __schema', 'Query.__type a'],
    ],
    ['without __typename', '{ __typename orders }', ['Query.orders orders']],
    [
      'with __typename where it is alone',
      '{ orders: __typename }',
      ['Query.__typename __typename'],
    ],
    ['of a fragment that is not there', '{ ...Gone }', ['Query.__typename __typename']],
    ['that the schema does not have', '{ gone }', ['Query.gone gone']],
    [
      'of an operation that the schema does not have',
      'subscription { tick }',
      ['subscription.tick tick'],
    ],
  ])('are found %s', (_, source, fields) => {
    expect(collect(source)).toEqual(fields);
  });

  test('are those of the operation that is asked for', () => {
    const source = 'query A { ...F } query B { users } fragment F on Query { orders }';
    expect(collect(source, 'A')).toEqual(['Query.orders orders']);
    expect(collect(source, 'B')).toEqual(['Query.users users']);
  });

  test('are found through any tree of fragments', () => {
    const selection = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('orders', 'a: users', '__typename'),
        fc
          .array(tie('node'), { minLength: 1, maxLength: 3 })
          .map((all) => `... { ${all.join(' ')} }`),
        fc
          .array(tie('node'), { minLength: 1, maxLength: 3 })
          .map((all) => `... on Query { ${all.join(' ')} }`),
      ),
    })).node;
    fc.assert(
      fc.property(selection, (inner) => {
        const found = collect(`{ ${inner} ...F } fragment F on Query { ${inner} }`);
        expect(found.includes('Query.orders orders')).toBe(inner.includes('orders'));
        expect(found.includes('Query.users a')).toBe(inner.includes('a: users'));
      }),
    );
  });

  test('are found in time that grows with the document, and at any depth', () => {
    const depth = 20_000;
    const document = parse('{ orders }');
    const operation = getOperationAST(document);
    if (!operation) throw new Error('unreachable');
    // Built by hand: a parser would overflow its own stack first.
    let selectionSet = operation.selectionSet;
    for (let level = 0; level < depth; level++) {
      selectionSet = {
        kind: 'SelectionSet',
        selections: [{ kind: 'InlineFragment', selectionSet }],
      } as never;
    }
    const deep = { ...operation, selectionSet };
    expect(collectRootFields(schema, document, deep)).toHaveLength(1);

    const spreads = '...A '.repeat(100);
    const wide = `{ ${spreads} } fragment A on Query { ${spreads.replaceAll('A', 'B')} } fragment B on Query { orders }`;
    expect(collect(wide)).toEqual(['Query.orders orders']);
  });
});

test('the root fields of a schema are listed for assertCovered, by the names of its types', () => {
  expect(listRootFields(schema)).toEqual(['Query.orders', 'Query.users', 'Mutation.create']);
  const renamed = buildSchema('schema { query: Root } type Root { a: String }');
  expect(listRootFields(renamed)).toEqual(['Root.a']);
});
