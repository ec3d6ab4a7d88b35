import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  type CallFacts,
  cors,
  coverage,
  definePolicy,
  guard,
  pass,
} from '@apisec/core';
import express5, { type RequestHandler } from 'express';
import express4 from 'express4';
import { describe, expect, onTestFinished, test } from 'vitest';
import { assertSecured } from './assert-secured.ts';
import { operationsOf, unsecuredOperations } from './operations.ts';
import { secure } from './secure.ts';

const open = guard().use(definePolicy({ name: 'open', role: 'grant', check: () => pass() }));
const end: RequestHandler = (_, response) => void response.end();
const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const;

describe.each(versions)('%s', (_, express) => {
  test('every operation is named as secure supplies it', () => {
    const app = express();
    app.use(express.json());
    app.get('/orders/:id', end).post('/orders', end);
    app.route('/both').put(end).delete(end);
    app.all('/any', end);
    app.get(/^\/pattern$/, end);
    expect(operationsOf(app)).toEqual([
      'GET /orders/:id',
      'POST /orders',
      'PUT /both',
      'DELETE /both',
      'ALL /any',
      'GET /^\\/pattern$/',
    ]);
  });

  test('an application without routes serves nothing', () => {
    expect(operationsOf(express())).toEqual([]);
    expect(operationsOf(express.Router())).toEqual([]);
  });

  test('mounted routers are named with their prefix, and have to be', () => {
    const inner = express.Router().get('/deep', end);
    const admin = express.Router().get('/users', end).use('/in', inner);
    const app = express().use('/admin', admin);
    expect(() => operationsOf(app)).toThrow(/mounted/);
    expect(() => operationsOf(app, { '/admin': admin })).toThrow(/mounted/);
    expect(operationsOf(app, { '/admin': admin, '/in': inner })).toEqual([
      'GET /admin/users',
      'GET /admin/in/deep',
    ]);
    const twice = express().use('/a', inner).use('/a', express.Router().get('/x', end));
    expect(() => operationsOf(twice, { '/a': inner })).toThrow(/mounted/);
    expect(() => operationsOf(express().use('/sub', express().get('/x', end)))).toThrow(/mounted/);
  });

  test('routers without a prefix need no name, and several may share one', () => {
    const one = express.Router().get('/one', end);
    const two = express.Router().get('/two', end);
    expect(operationsOf(express().use(one).use('/', two))).toEqual(['GET /one', 'GET /two']);
    expect(operationsOf(express().use('/a', one).use('/a', two), { '/a': [one, two] })).toEqual([
      'GET /a/one',
      'GET /a/two',
    ]);
  });

  test('an operation is secured by its own guard, or by one before it', () => {
    const app = express();
    app.get('/before', end);
    app.get('/own', secure(open), end);
    app.get('/parsed', express.json(), secure(open), end);
    app.options('/preflight', secure(open));
    app.get('/behind', end, secure(open));
    app.route('/split').get(secure(open), end).post(end);
    app.use('/part', secure(open));
    app.get('/part/x', end);
    app.use(secure(open));
    app.get('/after', end);
    expect(unsecuredOperations(app)).toEqual([
      'GET /before',
      'GET /behind',
      'POST /split',
      'GET /part/x',
    ]);
  });

  test('a guard before a router secures what is in it', () => {
    const inside = express.Router().get('/x', end);
    expect(
      unsecuredOperations(express().use(secure(open)).use('/a', inside), { '/a': inside }),
    ).toEqual([]);
    expect(
      unsecuredOperations(express().use('/a', secure(open), inside), { '/a': inside }),
    ).toEqual(['GET /a/x']);
    const own = express.Router().use(secure(open)).get('/x', end);
    expect(unsecuredOperations(express().use('/a', own), { '/a': own })).toEqual([]);
  });

  test('a guard behind a handler that must answer guards nothing', () => {
    const app = express();
    app.get('/answered', (_request, response) => void response.end(), secure(open), end);
    app.get('/passed', (_request, _response, next) => next(), secure(open), end);
    app.get('/rest', (...all) => all[2](), secure(open), end);
    expect(unsecuredOperations(app)).toEqual(['GET /answered']);
  });

  /** Asks one path after the other; answers which operations were decided. */
  async function decided(
    build: (seen: (table?: readonly string[]) => RequestHandler) => ReturnType<typeof express>,
    ...paths: readonly string[]
  ): Promise<readonly string[]> {
    const names: string[] = [];
    const watch = definePolicy<CallFacts>({
      name: 'watch',
      role: 'grant',
      check: (_request, { call }) => {
        names.push(call.operation);
        return pass();
      },
    });
    const server = createServer(build(() => secure(guard().use(watch)))).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const path of paths) await fetch(`http://127.0.0.1:${port}${path}`);
    return names;
  }

  test('one guard on a route and by use behind it is decided by what matched, each time', async () => {
    const names = await decided(
      (seen) => {
        const guarded = seen();
        const app = express();
        app.get('/orders/:id', guarded, (_request, _response, next) => next());
        app.use(guarded);
        app.get('/orders/7', end);
        return app;
      },
      '/orders/7',
      '/orders/8',
    );
    expect(names).toEqual(['GET /orders/:id', 'GET /orders/7', 'GET /orders/:id', 'GET /orders/8']);
  });

  test('a router under a parameter is never called by the text of the caller', async () => {
    const names = await decided(
      (seen) => {
        const router = express.Router().get('/orders', seen(), end);
        return express().use('/:tenant', router);
      },
      '/public/orders',
      '/acme/orders',
    );
    const pattern = express === express5 ? 'GET /:tenant/orders' : 'GET /(parameter)/orders';
    expect(names).toEqual([pattern, pattern]);
  });

  test('a router under a text is called by it, also deep inside', async () => {
    const names = await decided(
      (seen) => {
        const inner = express.Router().get('/x/:id', seen(), end);
        const outer = express.Router().use('/inner', inner);
        return express().use('/outer', outer).use('/other', inner);
      },
      '/outer/inner/x/1',
      '/other/x/2',
    );
    expect(names).toEqual(['GET /outer/inner/x/:id', 'GET /other/x/:id']);
  });

  test.each<[string, string, (app: ReturnType<typeof express>) => void]>([
    [
      'a route in front of its guard',
      'nothing guards GET /early',
      (app) => app.get('/early', end).use(secure(open)),
    ],
    [
      'a table with patterns by app.use',
      'knows no patterns',
      (app) => app.use(secure(coverage({ 'GET /orders/:id': open }))).get('/orders/:id', end),
    ],
    [
      'a route that its table does not list',
      'not listed: GET /b',
      (app) =>
        app
          .use(secure(coverage({ 'GET /a': open })))
          .get('/a', end)
          .get('/b', end),
    ],
    [
      'an entry that no route serves',
      'no route serves GET /ordres',
      (app) => app.use(secure(coverage({ 'GET /a': open, 'GET /ordres': open }))).get('/a', end),
    ],
    [
      'a guard with cors on a route that sees no preflight',
      'cors() on GET /a sees no preflight',
      (app) =>
        app.get(
          '/a',
          secure(
            guard()
              .use(cors({ origins: ['https://app.example.com'] }))
              .use(allowAnonymous()),
          ),
          end,
        ),
    ],
  ])('%s is found at start', (_name, message, build) => {
    const app = express();
    build(app);
    expect(() => assertSecured(app)).toThrow(message);
  });

  test('a correct setup starts', () => {
    const app = express();
    const withCors = guard()
      .use(cors({ origins: ['https://app.example.com'] }))
      .use(allowAnonymous());
    // A field of GraphQL in the same table is served elsewhere.
    const table = secure(
      coverage({ 'GET /orders/:id': open, 'POST /orders': withCors, 'Query.orders': open }),
    );
    app.get('/health', end);
    app.options(/./, secure(withCors));
    app.get('/orders/:id', table, end).post('/orders', table, end);
    app.use(secure(withCors)).get('/late', end);
    expect(() => assertSecured(app, { open: ['GET /health'] })).not.toThrow();
  });
});

test.each(['/orders', 'orders', 'GET orders', 'GET'])(
  'an entry that names no method and path does not start: %s',
  (entry) => {
    expect(() => secure(coverage({ [entry]: open }))).toThrow(/never matches: write METHOD/);
    expect(() => secure(coverage({ [entry]: open }), { operation: () => entry })).not.toThrow();
  },
);

test('entries for other transports may stand in a table', () => {
  const table = coverage({ 'Query.orders': open, '/shop.v1.Orders/List': open, unresolved: open });
  expect(() => secure(table)).not.toThrow();
});
