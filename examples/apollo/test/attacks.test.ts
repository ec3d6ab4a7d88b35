import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Claims, type Running, run } from './harness.ts';

let server: Running;
let victims: string;
beforeAll(async () => {
  server = await run();
  const place = 'mutation { placeOrder(productId: "product-1") { id } }';
  const placed = await server.call({ scope: 'orders:write orders:read', sub: 'victim' }, place);
  victims = placed.body.data.placeOrder.id as string;
});
afterAll(() => server.stop());

const reader = { scope: 'orders:read', sub: 'mallory' };
const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');
const hashOf = (query: string) => createHash('sha256').update(query).digest('hex');

test.each<[string, Claims | undefined, string, number, string]>([
  [
    'an operation without a token',
    undefined,
    '{ orders(first: 1) { id } }',
    401,
    'credentials.missing',
  ],
  [
    'what anybody may read who is known, beside what needs a scope',
    { scope: '' },
    '{ products(first: 1) { id } orders(first: 1) { id } }',
    403,
    'scope.insufficient',
  ],
  [
    'a mutation by somebody who may read, under an alias in a fragment',
    reader,
    'mutation { ...F } fragment F on Mutation { a: placeOrder(productId: "product-1") { id } }',
    403,
    'scope.insufficient',
  ],
  [
    'the schema is closed to who may read',
    reader,
    '{ __schema { types { name } } }',
    403,
    'operation.unlisted',
  ],
  [
    'one type of the schema',
    reader,
    '{ a: __type(name: "Order") { name } }',
    403,
    'operation.unlisted',
  ],
  [
    'aliases of one relation',
    reader,
    `{ ${times(11, (at) => `a${at}: orders(first: 1) { id }`)} }`,
    400,
    'operation.over_limit',
  ],
  [
    'a page that is too long',
    reader,
    '{ orders(first: 100000) { id product { price } } }',
    400,
    'operation.too_costly',
  ],
  [
    'the same in a variable with a default',
    reader,
    'query ($n: Int! = 100000) { orders(first: $n) { id product { price } } }',
    400,
    'operation.too_costly',
  ],
  [
    'fragments that double with each step',
    reader,
    `{ orders(first: 1) { ...F0 } } ${times(20, (at) => `fragment F${at} on Order { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Order { id }`,
    400,
    'document.too_complex',
  ],
  [
    'a megabyte',
    reader,
    `{ orders(first: 1) { id } } #${'a'.repeat(150_000)}`,
    400,
    'document.too_large',
  ],
  ['brackets without an end', reader, '{'.repeat(90_000), 400, 'document.too_deep'],
])('%s', async (_name, claims, query, status, reason) => {
  server.shop.queries.length = 0;
  const answer = await server.call(claims, query);
  expect([answer.status, answer.reason]).toEqual([status, reason]);
  expect(server.shop.queries, 'nothing was loaded').toEqual([]);
});

test.each([
  ['by its id', 'query ($id: ID!) { order(id: $id) { id customer { name } } }', 'order'],
  ['by node', 'query ($id: ID!) { node(id: $id) { id } }', 'node'],
  [
    'by aliases, one of which may be denied alone',
    'query ($id: ID!) { a: order(id: $id) { id } order(id: $id) { payment { last4 } } }',
    'order',
  ],
])("another caller's order is not read %s", async (_name, query, field) => {
  const { body, text } = await server.call(reader, query, { id: victims });
  expect(body.data[field]).toBeNull();
  expect(text).not.toContain('victim');
});

test('a type is guarded wherever it is reached: below an order, and by node', async () => {
  const owner = { scope: 'orders:read', sub: 'victim' };
  const { body } = await server.call(
    { ...owner, scope: 'orders:read payments:read' },
    '{ orders(first: 1) { payment { id } } }',
  );
  const id = body.data.orders[0].payment.id as string;
  const query = 'query ($id: ID!) { node(id: $id) { id __typename ... on Payment { last4 } } }';
  const denied = await server.call(owner, query, { id });
  expect(denied.text).not.toContain('4242');
  expect(denied.text).not.toContain('"Payment"');
  const admitted = await server.call({ ...owner, scope: 'orders:read payments:read' }, query, {
    id,
  });
  expect(admitted.body.data.node).toEqual({ id, __typename: 'Payment', last4: '4242' });
});

test('a batch is bounded in number and in cost, whatever each operation asks', async () => {
  const one = { query: '{ orders(first: 60) { product { price } } }' };
  const costly = await server.post(reader, [one, one, one, one]);
  const reasons = costly.body.map((each: any) => each.errors?.[0].extensions.reason as string);
  expect(reasons[0]).toBeUndefined();
  expect(reasons).toContain('batch.too_costly');
  const long = await server.post(
    reader,
    Array.from({ length: 6 }, () => ({ query: '{ orders(first: 1) { id } }' })),
  );
  expect([long.status, long.reason ?? long.body.code]).toEqual([400, 'batch.too_large']);
});

test('strangers neither register persisted queries nor learn which are known', async () => {
  const query = '{ orders(first: 2) { id } }';
  const persistedQuery = { version: 1, sha256Hash: hashOf(query) };
  for (const body of [
    { extensions: { persistedQuery } },
    { query, extensions: { persistedQuery } },
  ]) {
    const { status, reason } = await server.post(undefined, body);
    expect([status, reason]).toEqual([401, 'credentials.missing']);
  }
  const after = await server.post(reader, { extensions: { persistedQuery } });
  expect(after.body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  const wrong = { version: 1, sha256Hash: hashOf('{ products { id } }') };
  expect((await server.post(reader, { query, extensions: { persistedQuery: wrong } })).status).toBe(
    400,
  );
});

test('the possible cost of an operation is reserved, and the unused part is given back', async () => {
  const query = '{ orders(first: 90) { product { price } } }';
  const left = async (): Promise<number> => {
    const { headers } = await server.call({ ...reader, sub: 'modest' }, query);
    return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  };
  const [first, second] = [await left(), await left()];
  expect(first).toBe(2_000 - 360);
  // There are no orders, so nearly all of the 360 came back.
  expect(second).toBeGreaterThan(first - 50);
});

test('a request that a browser sends for another origin changes and reads nothing', async () => {
  server.shop.queries.length = 0;
  const mutation = encodeURIComponent('mutation { placeOrder(productId: "product-1") { id } }');
  const headers = {
    authorization: `Bearer ${await server.issuer.token({ scope: 'orders:read orders:write' })}`,
  };
  expect((await server.fetch(`/?query=${mutation}`, { headers })).status).toBe(400);
  const asked = { ...headers, 'apollo-require-preflight': '1' };
  expect((await server.fetch(`/?query=${mutation}`, { headers: asked })).status).toBe(405);
  const form = await server.fetch('/', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/plain' },
    body: JSON.stringify({ query: 'mutation { placeOrder(productId: "product-1") { id } }' }),
  });
  expect(form.status).toBe(400);
  expect(server.shop.queries).not.toContain('place');
});

test('internal errors are not disclosed, and no names are suggested', async () => {
  const { text } = await server.call(
    { scope: 'orders:write orders:read', sub: 'mallory' },
    'mutation { placeOrder(productId: "no-such-product") { product { name } } }',
  );
  expect(text).not.toContain('there is no product');
  const misspelled = await server.call(reader, '{ orders(first: 1) { custmer { name } } }');
  expect(misspelled.text).not.toContain('Did you mean');
});

test('bodies that are too large, or no JSON, never reach the server', async () => {
  const post = (body: string) =>
    server.fetch('/', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect((await post(`"${'a'.repeat(300_000)}"`)).status).toBe(413);
  expect((await post('{"query":')).status).toBe(400);
  expect((await post('['.repeat(50_000))).status).toBe(400);
});

test('a caller who has used up what there is waits, and the others do not', async () => {
  const query = '{ products(first: 40) { name price } }';
  const greedy = { scope: '', sub: 'greedy' };
  let last = await server.call(greedy, query);
  for (let at = 0; at < 200 && last.status === 200; at++) last = await server.call(greedy, query);
  expect([last.status, last.reason]).toEqual([429, 'limit.exceeded']);
  expect((await server.call(reader, '{ orders(first: 1) { id } }')).status).toBe(200);
});
