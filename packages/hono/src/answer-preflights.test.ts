import { allowAnonymous, cors, coverage, definePolicy, guard } from '@apisec/core';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { answerPreflights } from './answer-preflights.ts';
import { assertSecured, operationsOf } from './operations.ts';
import { secure } from './secure.ts';

const APP = 'https://app.example.com';
const ADMIN = 'https://admin.example.com';
const guardFor = (origin: string, methods: string[]) =>
  guard()
    .use(cors({ origins: [origin], methods }))
    .use(allowAnonymous());
const readers = guardFor(APP, ['GET', 'HEAD']);
const writers = guardFor(ADMIN, ['POST', 'DELETE']);

async function ask(app: Hono, path: string, origin: string, method: string): Promise<string> {
  const headers = { origin, 'access-control-request-method': method };
  const answer = await app.request(path, { method: 'OPTIONS', headers });
  return `${answer.status} ${answer.headers.get('access-control-allow-origin') ?? '-'}`;
}

describe('guards on single routes', () => {
  const build = () => {
    const app = new Hono();
    const orders = new Hono();
    app.get('/orders/:id', secure(readers), (c) => c.text('shown'));
    app.delete('/orders/:id', secure(writers), (c) => c.text('gone'));
    orders.get('/list', secure(readers), (c) => c.text('listed'));
    app.route('/tenants/:tenant', orders);
    app.options('/own', (c) => c.text('own'));
    app.get('/own', secure(readers), (c) => c.text('shown'));
    app.get('/open', (c) => c.text('open'));
    return app;
  };

  test('answer their preflights, each by the guard of the method that is asked about', async () => {
    const app = build();
    answerPreflights(app);
    expect(await ask(app, '/orders/1', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/orders/1', APP, 'HEAD')).toBe(`204 ${APP}`);
    expect(await ask(app, '/orders/1', ADMIN, 'DELETE')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/orders/1', APP, 'DELETE')).toBe('403 -');
    expect(await ask(app, '/orders/1', 'https://evil.example', 'GET')).toBe('403 -');
    expect(await ask(app, '/orders/1', APP, 'PATCH')).toBe('404 -');
    expect(await ask(app, '/tenants/acme/list', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/own', APP, 'GET')).toBe('200 -');
    expect(await ask(app, '/open', APP, 'GET')).toBe('404 -');
    expect((await app.request('/orders/1', { method: 'OPTIONS' })).status).toBe(404);
  });

  test('are found to see none where it was forgotten', () => {
    const app = new Hono();
    app.get('/orders', secure(readers), (c) => c.text('shown'));
    expect(() => assertSecured(app)).toThrow(/answerPreflights/);
    answerPreflights(app);
    expect(() => assertSecured(app)).not.toThrow();
    expect(operationsOf(app)).toEqual(['GET /orders']);
  });

  test('below a base path, and by a table', async () => {
    const table = coverage({ 'GET /api/orders': readers, 'POST /api/orders': writers });
    const app = new Hono().basePath('/api');
    app.get('/orders', secure(table), (c) => c.text('shown'));
    app.post('/orders', secure(table), (c) => c.text('made'));
    answerPreflights(app);
    table.assertCovered(operationsOf(app));
    expect(await ask(app, '/api/orders', APP, 'GET')).toBe(`204 ${APP}`);
    expect(await ask(app, '/api/orders', ADMIN, 'POST')).toBe(`204 ${ADMIN}`);
    expect(await ask(app, '/api/orders', APP, 'POST')).toBe('403 -');
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
