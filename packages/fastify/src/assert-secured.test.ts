import { allowAnonymous, cors, coverage, guard } from '@apisec/core';
import fastify, { type FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { answerPreflights } from './answer-preflights.ts';
import { assertSecured } from './assert-secured.ts';
import { watchRoutes } from './inventory.ts';
import { secure } from './secure.ts';

const open = guard().use(allowAnonymous());
const shared = guard()
  .use(cors({ origins: ['https://app.example.com'] }))
  .use(allowAnonymous());
const end = async () => ({});

async function check(
  register: (app: FastifyInstance) => unknown,
  options?: Parameters<typeof assertSecured>[1],
): Promise<void> {
  const app = fastify();
  watchRoutes(app);
  await register(app);
  await app.ready();
  assertSecured(app, options);
}

const table = coverage({ 'GET /orders/:id': open, 'ALL /files': open, 'Query.orders': open });
const orders = async (app: FastifyInstance) => {
  await app.register(secure(table, { assertCovered: true }));
  app.get('/orders/:id', end);
  app.all('/files', end);
};

test('a route that is guarded in its context or by itself, or open on purpose, passes', async () => {
  await check(orders);
  await check(
    (app) => {
      app.get('/health', end);
      app.get('/own', secure(open).route, end);
      app.register((below, _options, done) => {
        below.register(secure(open));
        below.get('/below', secure(open).route, end);
        done();
      });
    },
    { open: ['GET /health'] },
  );
  await check(async (app) => {
    await app.register(answerPreflights);
    app.get('/orders', secure(shared).route, end);
    await app.register(async (below) => {
      await below.register(secure(shared));
      below.get('/below', end);
    });
  });
  await check((app) => app.register(secure(shared)).get('/orders', secure(shared).route, end));
});

test.each<[string, (app: FastifyInstance) => unknown, RegExp]>([
  [
    'a route beside the context that is guarded',
    (app) => {
      app.register((below, _options, done) => {
        below.register(secure(open));
        done();
      });
      app.get('/orders', end);
    },
    /nothing guards GET \/orders/,
  ],
  [
    'a route that its table does not list',
    (app) => app.register(secure(table)).get('/admin', end),
    /served but not listed: GET \/admin/,
  ],
  [
    'an entry that no route serves',
    (app) => app.register(secure(table)).get('/orders/:id', end),
    /listed but not served: ALL \/files/,
  ],
  [
    'a guard with cors on a route that sees no preflight',
    (app) => app.get('/orders', secure(shared).route, end),
    /cors\(\) on GET \/orders sees no preflight/,
  ],
  [
    'a guard with cors in a context that sees no preflight',
    (app) =>
      app.register(async (below) => {
        await below.register(secure(shared));
        below.get('/orders', end);
      }),
    /cors\(\) on GET \/orders sees no preflight/,
  ],
  [
    'an entry with cors on a route that sees no preflight',
    (app) => app.get('/orders', secure(coverage({ 'GET /orders': shared })).route, end),
    /cors\(\) on GET \/orders sees no preflight/,
  ],
])('%s is found', async (_, register, message) => {
  await expect(check(register)).rejects.toThrow(message);
});

test('an application that was not watched is not taken for a guarded one', () => {
  expect(() => assertSecured(fastify())).toThrow(/watchRoutes\(app\) right after Fastify\(\)/);
});
