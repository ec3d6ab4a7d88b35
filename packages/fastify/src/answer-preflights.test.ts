import { allowAnonymous, cors, coverage, definePolicy, guard } from '@apisec/core';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { answerPreflights } from './answer-preflights.ts';
import { secure } from './secure.ts';

const APP = 'https://app.example.com';
const ADMIN = 'https://admin.example.com';
const guardFor = (origin: string, methods: string[]) =>
  guard()
    .use(cors({ origins: [origin], methods }))
    .use(allowAnonymous());
const readers = guardFor(APP, ['GET', 'HEAD']);
const writers = guardFor(ADMIN, ['POST', 'DELETE']);
const show = async () => 'shown';

async function ask(
  app: FastifyInstance,
  url: string,
  origin: string,
  method: string,
): Promise<string> {
  const headers = { origin, 'access-control-request-method': method };
  const answer = await app.inject({ method: 'OPTIONS', url, headers });
  return `${answer.statusCode} ${answer.headers['access-control-allow-origin'] ?? '-'}`;
}

describe('guards on single routes', () => {
  const build = async () => {
    const app = fastify();
    await app.register(answerPreflights);
    app.get('/orders/:id', secure(readers).route, show);
    app.delete('/orders/:id', secure(writers).route, show);
    app.post('/raw', secure(writers, { rawBody: true }).route, show);
    await app.register(
      async (below) => {
        below.get('/list', secure(readers).route, show);
      },
      { prefix: '/tenants/:tenant' },
    );
    app.options('/own', show);
    app.get('/own', secure(readers).route, show);
    app.get('/open', show);
    return app;
  };

  test('answer their preflights, each by the guard of the method that is asked about', async () => {
    const app = await build();
    expect(await ask(app, '/orders/1', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/orders/1', APP, 'HEAD')).toBe(`204 ${APP}`);
    expect(await ask(app, '/orders/1', ADMIN, 'DELETE')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/orders/1', APP, 'DELETE')).toBe('403 -');
    expect(await ask(app, '/orders/1', 'https://evil.example', 'GET')).toBe('403 -');
    expect(await ask(app, '/orders/1', APP, 'PATCH')).toBe('404 -');
    expect(await ask(app, '/raw', ADMIN, 'POST')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/tenants/acme/list', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/own', APP, 'GET')).toBe('200 -');
    expect(await ask(app, '/open', APP, 'GET')).toBe('404 -');
    expect((await app.inject({ method: 'OPTIONS', url: '/orders/1' })).statusCode).toBe(404);
    const actual = await app.inject({ url: '/orders/1', headers: { origin: APP } });
    expect(actual.headers['access-control-allow-origin']).toBe(APP);
    await app.close();
  });

  test('do not without it', async () => {
    const app = fastify();
    app.get('/orders', secure(readers).route, show);
    expect(await ask(app, '/orders', APP, 'GET')).toBe('404 -');
    await app.close();
  });

  test('are decided by the row of a table, which need not list them', async () => {
    const table = coverage({ 'GET /orders/:id': readers, 'DELETE /orders/:id': writers });
    const app = fastify();
    await app.register(answerPreflights);
    await app.register(secure(table, { assertCovered: true }));
    app.get('/orders/:id', secure(table).route, show);
    app.delete('/orders/:id', secure(table).route, show);
    expect(await ask(app, '/orders/1', ADMIN, 'DELETE')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/orders/1', APP, 'DELETE')).toBe('403 -');
    await app.close();
  });
});

/** As a policy that authenticates describes itself. */
const authenticate = definePolicy<object, { principal: string }, 'check'>({
  name: 'authenticate',
  role: 'check',
  adds: ['principal'],
  check: () => ({ ok: true, facts: { principal: 'ann' } }),
});

test('a guard that denies every preflight, since cors comes after authentication, is not mounted', () => {
  const late = guard()
    .use(authenticate)
    .use(cors({ origins: [APP] }))
    .use(allowAnonymous());
  expect(() => secure(late)).toThrow('secure: cors comes after authenticate');
});

describe('guards in a context below the application', () => {
  const rows = { 'GET /v1/orders/:id': readers, 'POST /v1/orders/:id': writers };
  const build = async (answers: boolean) => {
    const app = fastify();
    if (answers) await app.register(answerPreflights);
    await app.register(
      async (api) => {
        await api.register(secure(coverage(rows), { assertCovered: true }));
        api.get('/orders/:id', show);
        api.post('/orders/:id', show);
      },
      { prefix: '/v1' },
    );
    await app.register(async (below) => {
      await below.register(secure(readers));
      below.get('/below', show);
      await below.register(async (deeper) => {
        deeper.get('/deeper', show);
        deeper.post('/own', secure(writers).route, show);
      });
    });
    return app;
  };

  test('answer their preflights as well, by the row that is asked about', async () => {
    const app = await build(true);
    expect(await ask(app, '/v1/orders/1', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/v1/orders/1', ADMIN, 'POST')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/v1/orders/1', ADMIN, 'GET')).toBe('403 -');
    expect(await ask(app, '/below', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/deeper', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/own', APP, 'GET')).toBe(`204 ${APP}`);
    const plain = await app.inject({ method: 'OPTIONS', url: '/below' });
    expect(plain.statusCode).toBe(404);
  });

  test('see none without it', async () => {
    const app = await build(false);
    expect(await ask(app, '/v1/orders/1', APP, 'GET')).toBe('404 -');
    expect(await ask(app, '/below', APP, 'GET')).toBe('404 -');
  });
});
