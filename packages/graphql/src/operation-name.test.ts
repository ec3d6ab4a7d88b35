import { operationName } from '@apisec/graphql';
import { getOperationAST, parse } from 'graphql';
import { expect, test } from 'vitest';

test.each([
  ['query ListOrders { a }', 'query ListOrders'],
  ['{ a }', 'query'],
  ['mutation { a }', 'mutation'],
  ['subscription Ticks { a }', 'subscription Ticks'],
  ['query A { a } query B { a }', 'unresolved'],
])('%s is called "%s"', (source, name) => {
  expect(operationName(getOperationAST(parse(source)) ?? undefined)).toBe(name);
});
