import { allowAnonymous, type GraphqlFacts, guard, peerOf } from '@apisec/core';
import { limitOperation, operationCost } from '@apisec/graphql';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { operationCall } from '../operation-call.ts';

const schema = buildSchema(`
  type User { id: ID friends(first: Int): [User!] }
  type Query { me: User users(limit: Int): [User!] }
`);
const request = new Request('https://api.example.com/graphql', { method: 'POST' });

function factsOfText(text: string, variables = {}): GraphqlFacts {
  const document = parse(text);
  const operation = getOperationAST(document, /query (A)/.exec(text)?.[1]);
  if (!operation) throw new Error('the test has no operation');
  const call = operationCall(
    'query',
    [],
    { schema, document, operation, variables },
    () => undefined,
  );
  return { call, peer: peerOf('192.0.2.1') };
}

function violations(options: Parameters<typeof limitOperation>[0], text: string) {
  const outcome = limitOperation(options).check(request, factsOfText(text));
  if (outcome.ok) return 'passed';
  const { code, problem } = outcome.denial;
  return [
    code,
    ...((problem?.extensions?.['violations'] ?? []) as { limit: string }[]).map(
      ({ limit }) => limit,
    ),
  ];
}

describe('an operation is denied by each bound, and passes at it', () => {
  const query = '{ a: me { id } b: me { friends(first: 3) { id } } }';
  test.each([
    ['depth', 3],
    ['breadth', 2],
    ['fields', 5],
    ['aliases', 2],
    ['aliasesOfOne', 2],
    ['rootFields', 2],
    ['cost', 5],
  ])('%s', (bound, most) => {
    expect(violations({ [bound]: most }, query)).toBe('passed');
    const code = bound === 'cost' ? 'operation.too_costly' : 'operation.over_limit';
    expect(violations({ [bound]: most - 1 }, query)).toEqual([code, bound]);
    expect(violations({ [bound]: false }, query)).toBe('passed');
  });

  test('directives', () => {
    const text = '{ me @skip(if: false) @include(if: true) { id } }';
    expect(violations({ directives: 2 }, text)).toBe('passed');
    expect(violations({ directives: 1 }, text)).toEqual(['operation.over_limit', 'directives']);
  });

  test.each([
    ['incremental', '{ ... @defer { me { id } } users @stream { id } }'],
    ['operations', 'query A { me { id } } query B { me { id } }'],
    [
      'variables',
      'query A($a: Int, $b: Int) { users(limit: $a) { id } more: users(limit: $b) { id } }',
    ],
  ])('%s, of which there are two', (bound, text) => {
    expect(violations({ [bound]: 2 }, text)).toBe('passed');
    expect(violations({ [bound]: 1 }, text)).toEqual(['operation.over_limit', bound]);
  });

  test('bounds that hold by default', () => {
    expect(limitOperation().settings).toEqual({
      depth: 10,
      breadth: 100,
      fields: 500,
      aliases: 30,
      aliasesOfOne: 10,
      rootFields: 10,
      directives: 50,
      incremental: 5,
      operations: 20,
      variables: 100,
      cost: 5_000,
    });
    const deep = (levels: number) =>
      `{ me ${'{ friends(first: 1) '.repeat(levels - 2)} { id } ${'}'.repeat(levels - 2)} }`;
    expect(violations(undefined, deep(10))).toBe('passed');
    expect(violations(undefined, deep(11))).toEqual(['operation.over_limit', 'depth']);
  });

  test('all exceeded bounds are reported at once', () => {
    expect(violations({ depth: 1, fields: 1, cost: 1 }, query)).toEqual([
      'operation.over_limit',
      'depth',
      'fields',
      'cost',
    ]);
  });

  test('a bound of its own is there by default', () => {
    expect(violations({}, '{ users(limit: 5001) { id } }')).toEqual([
      'operation.too_costly',
      'cost',
    ]);
    expect(violations(undefined, '{ users(limit: 5000) { id } }')).toBe('passed');
  });
});

test('an operation that never resolved has no size', () => {
  const call = operationCall('unresolved', [], undefined, () => undefined);
  expect(limitOperation().check(request, { call, peer: peerOf('192.0.2.1') }).ok).toBe(true);
  expect(operationCost({ call })).toBe(1);
});

test('the cost is there for limits', () => {
  expect(operationCost(factsOfText('{ users(limit: 40) { id } }'))).toBe(40);
  expect(operationCost(factsOfText('{ __typename }'))).toBe(1);
});

test('options that mean nothing cannot be constructed', () => {
  expect(() => limitOperation({ dept: 3 } as never)).toThrow(/dept/);
  expect(() => limitOperation({ depth: 0 })).toThrow(/depth/);
  expect(() => limitOperation({ cost: Number.NaN })).toThrow(/cost/);
  expect(() => limitOperation({ fields: '5' as never })).toThrow(/fields/);
});

test('it mounts into guards of GraphQL calls', async () => {
  const api = guard<GraphqlFacts>()
    .use(limitOperation({ depth: 1 }))
    .use(allowAnonymous());
  const decision = await api.check(request, factsOfText('{ me { id } }'));
  expect(decision.allowed).toBe(false);
});
