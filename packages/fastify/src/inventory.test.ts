import {
  allowAnonymous,
  coverage,
  coverageReport,
  definePolicy,
  guard,
  openapiSecurity,
  pass,
} from '@apisec/core';
import fastify, { type FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { inventoryOf, watchRoutes } from './inventory.ts';
import { secure } from './secure.ts';

const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const open = guard().use(allowAnonymous());
const limited = guard().use(limit).use(allowAnonymous());
const end = async () => ({});

async function problemsOf(app: FastifyInstance): Promise<readonly string[]> {
  await app.ready();
  return coverageReport(inventoryOf(app), { require: ['grant', 'limit'] }).problems;
}

function watchedApp(): FastifyInstance {
  const app = fastify();
  watchRoutes(app);
  return app;
}

test('each route is reported with the guards of its own and of its context', async () => {
  const app = watchedApp();
  app.get('/bare', end);
  app.post('/own', secure(limited).route, end);
  app.register(
    (admin, _options, done) => {
      admin.register(secure(open));
      admin.get('/users/:id', end);
      admin.post('/both', secure(limited).route, end);
      done();
    },
    { prefix: '/admin' },
  );
  expect(await problemsOf(app)).toEqual([
    'GET /bare has no guard. It lacks grant, limit.',
    'GET /admin/users/:id lacks limit.',
  ]);
  expect(inventoryOf(app).map(({ operation }) => operation)).toEqual([
    'GET /bare',
    'POST /own',
    'GET /admin/users/:id',
    'POST /admin/both',
  ]);
});

test('routes reported as guarded are denied, and routes reported as bare are not', async () => {
  const denied = guard()
    .use(
      definePolicy({
        name: 'never',
        role: 'check',
        check: () => ({ ok: false, denial: { kind: 'forbidden', code: 'test.never' } }),
      }),
    )
    .use(allowAnonymous());
  const app = watchedApp();
  app.register((inner, _options, done) => {
    inner.get('/before', end);
    inner.register(secure(denied));
    inner.get('/behind', end);
    done();
  });
  app.get('/beside', end);
  await app.ready();
  for (const { operation, admissions } of inventoryOf(app)) {
    const { statusCode } = await app.inject(operation.slice(4));
    expect([operation, statusCode]).toEqual([operation, admissions.length > 0 ? 403 : 200]);
  }
});

test('a route is deprecated by its schema', async () => {
  const app = watchedApp();
  // `@fastify/swagger` adds it to the type.
  const [old, recent]: readonly object[] = [{ deprecated: true }, { deprecated: 'no' }];
  app.get('/old/:id', { schema: old ?? {} }, end);
  app.get('/new', { schema: recent ?? {} }, end);
  await app.ready();
  const report = coverageReport(inventoryOf(app));
  expect(report.operations.map(({ deprecated }) => deprecated)).toEqual([true, false]);
  expect(openapiSecurity(report).paths).toMatchObject({
    '/old/{id}': { get: { deprecated: true } },
  });
});

test('a table decides by its entries', async () => {
  const app = watchedApp();
  app.register(secure(coverage({ 'GET /orders/:id': limited, 'GET /plain': open })));
  app.get('/orders/:id', end);
  app.get('/plain', end);
  app.get('/other', end);
  expect(await problemsOf(app)).toEqual([
    'GET /plain lacks limit.',
    'GET /other is served, but its table does not list it: every call is denied.',
  ]);
});

test('an application that was not watched from its first route on is not taken for an empty one', async () => {
  const app = fastify();
  app.get('/a', end);
  expect(() => watchRoutes(app)).toThrow('has routes already');
  expect(() => inventoryOf(app)).toThrow('Call watchRoutes(app)');
});
