import {
  allowAnonymous,
  coverage,
  coverageReport,
  definePolicy,
  type GraphqlFacts,
  guard,
  pass,
  printCoverage,
} from '@apisec/core';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { documentedOperations, inventoryOf } from './inventory.ts';
import { limitOperation } from './limits/limit-operation.ts';

const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const pii = definePolicy({ name: 'pii', role: 'check', check: () => pass() });
const open = guard().use(allowAnonymous());
const limited = guard().use(limit).use(allowAnonymous());
const schema = buildSchema(`
  type Query { orders: [Order] old: Int @deprecated(reason: "use orders") }
  type Mutation { place: Order }
  type Order { id: ID email: String }
`);

test('each root field is reported, and fields with policies of their own', () => {
  const admission = coverage({ 'Query.orders': limited, 'Mutation.place': open });
  const served = inventoryOf(schema, { admission, fields: { 'Order.email': pii } });
  expect(served.map(({ operation, nested }) => [operation, nested])).toEqual([
    ['Query.orders', false],
    ['Query.old', false],
    ['Mutation.place', false],
    ['Order.email', true],
  ]);
  const report = coverageReport(served, { require: ['grant', 'limit'] });
  expect(report.problems).toEqual([
    'Query.old is served, but its table does not list it: every call is denied.',
    'Mutation.place lacks limit.',
  ]);
  expect(printCoverage(report)).toMatch(/^ {2}Order\.email .* pii$/m);
  expect(served.map(({ deprecated }) => deprecated)).toEqual([false, true, false, false]);
});

test('limitOperation counts as a limit', () => {
  const admission = guard<GraphqlFacts>()
    .use(limitOperation({ depth: 8 }))
    .use(allowAnonymous());
  const report = coverageReport(inventoryOf(schema, { admission }), { require: ['limit'] });
  expect(report.problems).toEqual([]);
});

test('a policy on a root field counts for that field', () => {
  const served = inventoryOf(schema, { admission: open, fields: { 'Mutation.place': limit } });
  expect(coverageReport(served, { require: ['limit'] }).problems).toEqual([
    'Query.orders lacks limit.',
    'Query.old lacks limit.',
  ]);
});

test('a schema is compared with the one that was published', () => {
  const published = buildSchema('type Query { orders: Int gone: Int old: Int @deprecated }');
  const { differences } = coverageReport(inventoryOf(schema, { admission: limited }), {
    documented: documentedOperations(published),
  });
  expect(differences).toMatchObject({
    undocumented: ['Mutation.place'],
    missing: ['Query.gone'],
    deprecated: ['Query.old'],
  });
});

test('without the options of the server it cannot be constructed', () => {
  expect(() => inventoryOf(schema, {} as never)).toThrow('options of the server');
});
