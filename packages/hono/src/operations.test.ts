import { allowAnonymous, cors, coverage, guard, type HttpFacts } from '@apisec/core';
import { type Handler, Hono } from 'hono';
import { logger } from 'hono/logger';
import { describe, expect, test } from 'vitest';
import { assertSecured, operationsOf, unsecuredOperations } from './operations.ts';
import { secure } from './secure.ts';

const open = guard<HttpFacts>().use(allowAnonymous());
const shared = guard<HttpFacts>().use(cors({ origins: ['https://app.example.com'] }));
const crossing = shared.use(allowAnonymous());
const end: Handler = (c) => c.text('end');

test('every operation is named as secure supplies it', () => {
  const app = new Hono();
  app.use(logger()).use(secure(open));
  app.get('/orders/:id', logger(), end).post('/orders', end).all('/any', end);
  app.put('/late', async (c, _next) => c.text('late'));
  app.route('/sub', new Hono().onError((_error, c) => c.text('')).get('/deep', end));
  expect(operationsOf(app)).toEqual([
    'GET /orders/:id',
    'POST /orders',
    'ALL /any',
    'PUT /late',
    'GET /sub/deep',
  ]);
  expect(unsecuredOperations(app)).toEqual([]);
  assertSecured(app);
});

test('a guard guards what stands behind it and what its own pattern covers', () => {
  const app = new Hono();
  app.get('/before', end);
  app.use('/in/*', secure(open));
  app.get('/in/a', end).get('/in/:id/deep', end).get('/out', end).get('/:any/a', end);
  app.get('/own', secure(open), end).post('/own', end);
  expect(unsecuredOperations(app)).toEqual(['GET /before', 'GET /out', 'GET /:any/a', 'POST /own']);
  const named = ['GET /before', 'GET /out', 'GET /:any/a', 'POST /own'];
  expect(() => assertSecured(app)).toThrow(/nothing guards GET \/before, GET \/out/);
  assertSecured(app, { open: named });
});

describe('a table', () => {
  const behind = (
    table: Parameters<typeof coverage<HttpFacts>>[0],
    routes: (app: Hono) => void,
  ) => {
    const app = new Hono();
    app.use(secure(coverage(table)));
    routes(app);
    return () => assertSecured(app);
  };

  test('that lists what is served is fine, by method, for all, and for what is mounted', () => {
    // A field of GraphQL in the same table is served elsewhere.
    const table = { 'GET /a': open, 'ALL /b': open, 'GET /c': open, 'ALL /old/*': open };
    behind({ ...table, 'Query.a': open, '/shop.v1.A/Get': open }, (app) => {
      app
        .get('/a', end)
        .post('/b', end)
        .all('/c', end)
        .mount('/old', () => new Response());
    })();
  });

  test('with an entry without a method is not mounted', () => {
    expect(() => behind({ '/a': open }, (app) => app.get('/a', end))).toThrow(
      /the entry "\/a" of the table never matches/,
    );
  });

  test.each<[string, string, RegExp]>([
    ['a route that is forgotten', 'GET /b', /served but not listed: GET \/a/],
    ['an entry that nothing serves', 'GET /a', /no route behind the table serves POST \/typo/],
  ])('%s is found', (_name, entry, message) => {
    const table = entry === 'GET /a' ? { [entry]: open, 'POST /typo': open } : { [entry]: open };
    expect(behind(table, (app) => app.get('/a', end))).toThrow(message);
  });

  test('behind its routes is found: nothing guards them', () => {
    const app = new Hono().get('/a', end);
    app.use(secure(coverage({ 'GET /a': open })));
    expect(() => assertSecured(app)).toThrow(/nothing guards GET \/a/);
    expect(() => assertSecured(app, { open: ['GET /a'] })).toThrow(/no route behind the table/);
  });
});

describe('cors', () => {
  test('on one route that never sees a preflight is found', () => {
    const app = new Hono().get('/a', secure(crossing), end);
    expect(() => assertSecured(app)).toThrow(/cors\(\) on GET \/a sees no preflight/);
    const answered = new Hono();
    answered.use(secure(crossing)).get('/a', secure(crossing), end);
    assertSecured(answered);
  });

  test('in a table is found unless the guard of unlisted calls has it too', () => {
    const app = new Hono();
    app.use(secure(coverage({ 'GET /a': crossing }))).get('/a', end);
    expect(() => assertSecured(app)).toThrow(/cors\(\) of GET \/a sees no preflight/);
    const answered = new Hono();
    answered.use(secure(coverage({ 'GET /a': crossing }, { unlisted: shared }))).get('/a', end);
    assertSecured(answered);
  });
});
