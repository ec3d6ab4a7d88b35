import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Running, run } from './harness.ts';

let server: Running;
beforeAll(async () => {
  server = await run();
});
afterAll(() => server.stop());

const PLACE = 'mutation ($id: ID!) { placeOrder(productId: $id) { id product { name } } }';
const all = { scope: 'orders:read orders:write pii:read payments:read' };

async function place(sub: string, productId = 'product-1'): Promise<string> {
  const { body } = await server.call({ ...all, sub }, PLACE, { id: productId });
  return body.data.placeOrder.id as string;
}

test('an order is placed and read, with all that its owner may see', async () => {
  const id = await place('ann');
  const query =
    'query ($id: ID!) { order(id: $id) { product { name } customer { name email } payment { last4 } } }';
  expect((await server.call({ ...all, sub: 'ann' }, query, { id })).body).toEqual({
    data: {
      order: {
        product: { name: 'Tea 1' },
        customer: { name: 'ann', email: 'ann@example.com' },
        payment: { last4: '4242' },
      },
    },
  });
});

test('each level of an answer is loaded by one query, for those who may have it', async () => {
  for (const product of ['product-1', 'product-2', 'product-3']) await place('lee', product);
  server.shop.queries.length = 0;
  const query = '{ orders(first: 3) { product { name price } payment { last4 } } }';
  const { body } = await server.call({ ...all, sub: 'lee' }, query);
  expect(body.data.orders).toHaveLength(3);
  expect(server.shop.queries.toSorted()).toEqual([
    'orders',
    'payments by 3 ids',
    'products by 3 ids',
  ]);
});

test('a loader in the context returns different data to different callers', async () => {
  await place('kim', 'product-0');
  const priceFor = async (roles: readonly string[]) =>
    (await server.call({ ...all, sub: 'kim', roles }, '{ orders(first: 1) { product { price } } }'))
      .body.data.orders[0].product.price as number;
  expect([await priceFor([]), await priceFor(['club'])]).toEqual([400, 350]);
});

test('without its scope a private field is null, and the rest of the answer stands', async () => {
  await place('max');
  const { status, body } = await server.call(
    { scope: 'orders:read', sub: 'max' },
    '{ orders(first: 1) { customer { name email } payment { last4 } } }',
  );
  expect(status).toBe(200);
  expect(body.data.orders).toEqual([{ customer: { name: 'max', email: null }, payment: null }]);
  expect(body.errors.map((error: any) => error.extensions.reason)).toEqual(
    expect.arrayContaining(['scope.insufficient']),
  );
});

test("one caller's answer is kept for that caller alone", async () => {
  const query = '{ products(first: 2) { name } }';
  const [ann, bob] = [await server.issuer.token({ sub: 'ann' }), await server.issuer.token()];
  const read = async (token: string) => {
    server.shop.queries.length = 0;
    const { headers, body } = await server.fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    });
    expect(body.data.products).toHaveLength(2);
    expect(headers.get('cache-control')).toBe('max-age=60, private');
    return server.shop.queries;
  };
  expect(await read(ann)).toEqual(['products 2']);
  expect(await read(ann), 'from the cache').toEqual([]);
  expect(await read(bob)).toEqual(['products 2']);
});

test('an automatic persisted query is registered once, and then sent by its hash', async () => {
  const query = '{ orders(first: 1) { id } }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  const caller = { ...all, sub: 'apq' };
  const unknown = await server.post(caller, { extensions });
  expect(unknown.body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  expect((await server.post(caller, { query, extensions })).body.data).toEqual({ orders: [] });
  expect((await server.post(caller, { extensions })).body.data).toEqual({ orders: [] });
});

test('pages of the shop may read answers, and no other origin', async () => {
  const preflight = (origin: string) =>
    server.fetch('/', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization',
      },
    });
  const shop = await preflight('https://shop.example.com');
  expect(shop.headers.get('access-control-allow-origin')).toBe('https://shop.example.com');
  const evil = await preflight('https://evil.example.com');
  expect(evil.headers.get('access-control-allow-origin')).toBeNull();
});
