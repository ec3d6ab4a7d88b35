import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import {
  type CallFacts,
  type Completion,
  cors,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type Obligations,
  pass,
  pathOf,
} from '@apisec/core';
import { trustProxies } from '@apisec/node';
import express5, { type Express, type RequestHandler } from 'express';
import express4 from 'express4';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { secure } from './secure.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(app: Express): Promise<string> {
  const server = createServer(app);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const open = definePolicy({ name: 'open', role: 'grant', check: () => pass() });
const closed = definePolicy({
  name: 'closed',
  role: 'grant',
  check: () => deny('forbidden', 'shop.closed', { detail: 'The shop is closed.' }),
});
const late = definePolicy({ name: 'late', role: 'grant', check: async () => pass() });
const oblige = (obligations: Obligations) =>
  guard().use(definePolicy({ name: 'duty', role: 'grant', check: () => pass({}, obligations) }));
/** Filters `secret` out of whatever goes out. */
const filtered = oblige({
  onRelease: (payload) => {
    const { secret: _, ...rest } = payload as Record<string, unknown>;
    return { ok: true, value: rest };
  },
});
const filteredLater = oblige({
  onRelease: async (payload) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { secret: _, ...rest } = payload as Record<string, unknown>;
    return { ok: true, value: rest };
  },
});

// Express 4 has the same functions as 5 where this test uses them.
const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const;

describe.each(versions)('%s', (_, express) => {
  const quiet = () => express().set('env', 'test');

  test('an admitted call reaches the handler with its facts, without a promise', async () => {
    const orders = guard().use(open);
    const order: string[] = [];
    const app = quiet();
    const handler = secure(orders);
    app.get('/orders/:id', (req, res, next) => {
      handler(req, res, () => {
        order.push('next');
        next();
      });
      order.push('after');
    });
    app.get('/orders/:id', (req, res) => {
      res.json({ address: factsOf(req, orders).peer.address });
    });
    const response = await fetch(`${await serve(app)}/orders/7`);
    expect(await response.json()).toEqual({ address: '127.0.0.1' });
    expect(order).toEqual(['next', 'after']);
  });

  test('a denied call never reaches the handler, and the answer says why', async () => {
    const handler = vi.fn();
    const base = await serve(quiet().get('/', secure(guard().use(closed)), handler));
    const response = await fetch(base);
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'shop.closed', status: 403 });
    expect(handler).not.toHaveBeenCalled();
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('secret');
      },
    ],
    ['answers nonsense', () => true],
  ])('a policy that %s denies, and no error handler hears of it', async (_, check) => {
    const broken = definePolicy({ name: 'broken', role: 'grant', check: check as never });
    const onError = vi.fn((_e, _q, res, _n) => res.end());
    const app = quiet().get('/', secure(guard().use(broken)), (_, res) => void res.end('in'));
    const response = await fetch(await serve(app.use(onError)));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(onError).not.toHaveBeenCalled();
  });

  test('a request without Host is denied where Node leaves that to the application', async () => {
    const reached = vi.fn((_q, res) => void res.end());
    const app = quiet()
      .use(secure(guard().use(open)))
      .get('/', reached);
    const server = createServer({ requireHostHeader: false }, app);
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.end('GET / HTTP/1.1\r\nConnection: close\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*host\.missing/);
    expect(reached).not.toHaveBeenCalled();
  });

  test.each([
    // From Node 26 on Express cannot read this port, and asks no handler at all.
    ['http://a:80:90/x', /^HTTP\/1\.1 (?:400 [^]*call\.target_unclear|404 )/],
    ['http://user@a/x', /^HTTP\/1\.1 400 [^]*call\.target_unclear/],
  ])(
    'a target whose path Express and policies would read differently is denied: %s',
    async (target, expected) => {
      const front = definePolicy({
        name: 'front',
        role: 'grant',
        check: (request) => (pathOf(request) === '/x' ? pass() : deny('forbidden', 'shop.closed')),
      });
      const reached = vi.fn((_q, res) => void res.end());
      const app = quiet()
        .use(secure(guard().use(front)))
        .get('/:tenant/x', reached);
      const { port } = new URL(await serve(app));
      const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
      socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      const [answer] = await once(socket, 'data');
      expect(answer).toMatch(expected);
      expect(reached).not.toHaveBeenCalled();
    },
  );

  test('a callback that throws denies, and no error handler hears of it', async () => {
    const onError = vi.fn((_e, _q, res, _n) => res.end());
    const operation = () => {
      throw new Error('s3cret');
    };
    const app = quiet()
      .get('/', secure(guard().use(open), { operation }))
      .use(onError);
    const response = await fetch(await serve(app));
    expect(await response.json()).toMatchObject({ status: 500, code: 'call.unattested' });
    expect(onError).not.toHaveBeenCalled();
  });

  test('an asynchronous guard admits as well', async () => {
    const app = quiet().get('/', secure(guard().use(late)), (_, res) => void res.end('in'));
    expect(await (await fetch(await serve(app))).text()).toBe('in');
  });

  describe('the operation', () => {
    const operations = async (mount: (app: Express, watch: RequestHandler) => void) => {
      const seen: string[] = [];
      const watch = secure(
        guard().use(
          definePolicy<CallFacts>({
            name: 'watch',
            role: 'grant',
            check: (_, { call }) => {
              seen.push(call.operation);
              return pass();
            },
          }),
        ),
      );
      const app = quiet();
      mount(app, watch);
      const base = await serve(app);
      return { seen, call: (path: string, method = 'GET') => fetch(base + path, { method }) };
    };
    const end: RequestHandler = (_, res) => void res.end();

    test('is the pattern of the route, with the prefix of its router', async () => {
      const { seen, call } = await operations((app, watch) => {
        const router = express.Router();
        router.get('/orders/:id', watch, end);
        app.use('/api', router);
      });
      await call('/api/orders/7?x=1');
      await call('/api/orders/7', 'HEAD');
      expect(seen).toEqual(['GET /api/orders/:id', 'GET /api/orders/:id']);
    });

    test('is the path where no route is known, also behind another route', async () => {
      const { seen, call } = await operations((app, watch) => {
        app.get('/orders/:id', (_req, _res, next) => next());
        app.use(watch);
        app.get('/orders/special', end);
      });
      await call('/orders/special');
      expect(seen).toEqual(['GET /orders/special']);
    });

    test('of a route for all methods is the method that came', async () => {
      const { seen, call } = await operations((app, watch) => app.all('/any', watch, end));
      await call('/any', 'DELETE');
      expect(seen).toEqual(['DELETE /any']);
    });

    test('decides by coverage; an unlisted one is denied', async () => {
      const api = coverage({ 'GET /orders/:id': guard().use(open) });
      const app = quiet();
      app.get('/orders/:id', secure(api), end).get('/other', secure(api), end);
      const base = await serve(app);
      expect((await fetch(`${base}/orders/7`)).status).toBe(200);
      const denied = await fetch(`${base}/other`);
      expect(await denied.json()).toMatchObject({ code: 'operation.unlisted' });
    });

    test('operators hear of a table with patterns that is mounted where Express knows none', async () => {
      const faults: unknown[] = [];
      const onFault = (fault: unknown) => faults.push(fault);
      const table = coverage({ 'GET /orders/:id': guard().use(open) });
      const app = quiet();
      app.use(secure(table, { onFault }));
      app.get('/orders/:id', end);
      expect((await fetch(`${await serve(app)}/orders/7`)).status).toBe(403);
      expect(String(faults[0])).toContain('"GET /orders/:id" cannot match here');
      const onRoute = quiet();
      const secured = secure(table, { onFault });
      onRoute.get('/orders/:id', secured, end).use(secured);
      const base = await serve(onRoute);
      expect((await fetch(`${base}/orders/7`)).status).toBe(200);
      expect((await fetch(`${base}/elsewhere`)).status).toBe(403);
      const literal = secure(coverage({ 'GET /orders': guard().use(open) }), { onFault });
      expect((await fetch(`${await serve(quiet().use(literal))}/other`)).status).toBe(403);
      expect(faults).toHaveLength(1);
    });

    test('decides by coverage on each route, and on preflights in front of all', async () => {
      const origin = 'https://app.example.com';
      const anyone = guard().use(cors({ origins: [origin] }));
      const table = { 'GET /orders/:id': anyone.use(open) };
      const secured = secure(coverage(table, { unlisted: anyone }));
      const app = quiet();
      app.use((req, res, next) => (req.method === 'OPTIONS' ? secured(req, res, next) : next()));
      app.get('/orders/:id', secured, end);
      const url = `${await serve(app)}/orders/7`;
      expect((await fetch(url, { headers: { origin } })).status).toBe(200);
      const asks = (from: string) =>
        fetch(url, {
          method: 'OPTIONS',
          headers: { origin: from, 'access-control-request-method': 'GET' },
        });
      const preflight = await asks(origin);
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
      expect((await asks('https://evil.example')).status).toBe(403);
    });
  });

  test('a repeated Authorization header is seen as what it is', async () => {
    const seen: (string | null | undefined)[] = [];
    const app = quiet().get(
      '/',
      secure(
        guard().use(
          definePolicy({
            name: 'see',
            role: 'grant',
            check: ({ headers }) => {
              seen.push(headers.get('Authorization'));
              return pass();
            },
          }),
        ),
      ),
      (_, res) => void res.end(),
    );
    const { port } = new URL(await serve(app));
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(
      'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\nConnection: close\r\n\r\n',
    );
    await once(socket.resume(), 'close');
    expect(seen).toEqual(['Bearer a, Bearer b']);
  });

  test('behind a trusted proxy the peer is the one that the proxy saw', async () => {
    const orders = guard().use(open);
    const trust = trustProxies({ proxies: ['127.0.0.0/8'], header: 'x-forwarded-for' });
    const app = quiet().get('/', secure(orders, { trust }), (req, res) => {
      res.json(factsOf(req, orders).peer.id);
    });
    const headers = { 'x-forwarded-for': '6.6.6.6, 2001:db8::9' };
    const response = await fetch(await serve(app), { headers });
    expect(await response.json()).toBe('2001:db8::/64');
  });

  test('a preflight answer is 204 without a body, on the application and on a route', async () => {
    const preflight = guard().use(
      definePolicy({
        name: 'preflight',
        role: 'grant',
        check: () => ({
          ok: false,
          denial: { kind: 'forbidden', code: 'cors.preflight', answer: { status: 204 } },
          obligations: {
            headers: [
              { op: 'set', name: 'access-control-allow-origin', value: 'https://a.example' },
            ],
          },
        }),
      }),
    );
    const routed = await serve(quiet().options('/x', secure(preflight)));
    const used = await serve(
      quiet()
        .use(secure(preflight))
        .get('/x', (_, res) => void res.end()),
    );
    for (const base of [routed, used]) {
      const response = await fetch(`${base}/x`, { method: 'OPTIONS' });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example');
      expect(response.headers.get('content-type')).toBeNull();
      expect(await response.text()).toBe('');
    }
  });

  describe('headers', () => {
    const duty = oblige({
      headers: [
        { op: 'set', name: 'x-frame-options', value: 'DENY' },
        { op: 'set', name: 'cache-control', value: 'no-store' },
        { op: 'append', name: 'vary', value: 'Origin' },
        { op: 'delete', name: 'x-powered-by' },
      ],
    });

    test('stand unless the handler sets its own, and merge with what it says', async () => {
      const app = quiet().get('/', secure(duty), (_, res) => {
        res.set('Vary', 'Accept').set('Cache-Control', 'max-age=60').set('X-Powered-By', 'me');
        res.json({});
      });
      const { headers } = await fetch(await serve(app));
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('cache-control')).toBe('max-age=60');
      expect(headers.get('vary')).toBe('Accept, Origin');
      expect(headers.get('x-powered-by')).toBeNull();
    });

    test.each([
      [
        'a thrown error',
        () => {
          throw new Error('x');
        },
        500,
      ],
      ['no handler', (_q: unknown, _s: unknown, next: () => void) => next(), 404],
    ])('stand on the reply to %s', async (_, handler, status) => {
      const app = quiet().get('/', secure(duty), handler as RequestHandler);
      const response = await fetch(await serve(app));
      expect(response.status).toBe(status);
      expect(response.headers.get('x-frame-options')).toBe('DENY');
      expect(response.headers.get('vary')).toBe('Origin');
    });

    test('that cannot be sent deny the call', async () => {
      const bad = oblige({ headers: [{ op: 'set', name: 'x', value: 'a\r\nb: c' }] });
      const app = quiet().get('/', secure(bad), (_, res) => void res.end('in'));
      const response = await fetch(await serve(app));
      expect(await response.json()).toMatchObject({ code: 'policy.invalid_outcome' });
    });
  });

  describe('a policy that sees bodies', () => {
    const seen: unknown[] = [];
    const sees = oblige({
      onMessage: (message) => {
        seen.push(message);
        return { ok: true, value: message === undefined ? message : { checked: message } };
      },
    });
    const echo: RequestHandler = (req, res) => void res.json({ body: req.body });
    const post = async (app: Express, init: RequestInit) => {
      seen.length = 0;
      const response = await fetch(await serve(app), { method: 'POST', ...init });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    const json = { 'content-type': 'application/json' };

    test('sees the parsed body and may put another in its place', async () => {
      const app = quiet().use(express.json()).post('/', secure(sees), echo);
      const { body } = await post(app, { body: '{"a":1}', headers: json });
      expect(body).toEqual({ body: { checked: { a: 1 } } });
    });

    test('sees an empty object that was sent', async () => {
      const app = quiet().use(express.json()).post('/', secure(sees), echo);
      await post(app, { body: '{}', headers: json });
      expect(seen).toEqual([{}]);
    });

    test('sees undefined where there is no body', async () => {
      const app = quiet().use(express.json()).post('/', secure(sees), echo);
      expect((await post(app, {})).status).toBe(200);
      expect(seen).toEqual([undefined]);
    });

    test('is asked with the parser of the guard where nobody parsed', async () => {
      const app = quiet().post('/', secure(sees, { parser: express.json() }), echo);
      await post(app, { body: '{"a":1}', headers: json });
      expect(seen).toEqual([{ a: 1 }]);
    });

    test.each([
      ['of JSON', json, express.json()],
      [
        'of a type that the parser was told is JSON',
        { 'content-type': 'application/csp-report' },
        express.json({ type: 'application/csp-report' }),
      ],
    ])('sees an empty object %s as one', async (_, headers, parser) => {
      const app = quiet().use(parser).post('/', secure(sees), echo);
      expect((await post(app, { body: '{}', headers })).status).toBe(200);
      expect(seen).toEqual([{}]);
    });

    test('is not asked for a denied call, and nothing is parsed', async () => {
      const parser = vi.fn(express.json());
      const app = quiet().post('/', secure(sees.use(closed), { parser }), echo);
      expect((await post(app, { body: '{"a":1}', headers: json })).status).toBe(403);
      expect(seen).toEqual([]);
      expect(parser).not.toHaveBeenCalled();
    });

    describe('is denied unread', () => {
      const typed = (type: string, body: BodyInit = '{"a":1}') => ({
        body,
        headers: { 'content-type': type },
      });
      const taken: RequestHandler = (req, _res, next) => void req.resume().on('end', () => next());
      const begun: RequestHandler = (req, _res, next) => {
        req.on('readable', () => undefined);
        next();
      };
      const parser = express.json();

      test.each([
        ['of a type that the parsers pass by', typed('x/y')],
        ['that is a form', { body: new URLSearchParams({ a: '1' }) }],
        ['that is empty but for its braces', typed('x/y', '{}')],
        ['of several types', typed('text/plain, application/json')],
        ['without a type', { body: new Blob(['{"a":1}']) }],
      ])('as 415: a body %s', async (_, init) => {
        const apps = [
          quiet().use(parser).post('/', secure(sees), echo),
          quiet().post('/', secure(sees, { parser }), echo),
          quiet().use(parser).post('/', secure(sees, { parser }), echo),
        ];
        for (const app of apps) {
          const { status, body } = await post(app, init);
          const told = {
            status: 415,
            code: 'message.type_unsupported',
            title: 'Unsupported Media Type',
          };
          expect([status, body]).toMatchObject([415, told]);
        }
        expect(seen).toEqual([]);
      });

      test('as 415: one that a later parser takes, where others have put something of their own', async () => {
        const addressed: RequestHandler = (req, _res, next) => {
          req.body = { ...req.body, ip: req.ip };
          next();
        };
        const app = quiet()
          .use(parser, addressed)
          .post('/', secure(sees), express.text({ type: '*/*' }), echo);
        expect((await post(app, typed('text/plain', 'evil'))).status).toBe(415);
        expect(seen).toEqual([]);
        const { status } = await post(app, typed('application/json'));
        expect(status).toBe(200);
        expect(seen).toMatchObject([{ a: 1, ip: expect.anything() }]);
      });

      test.each([
        ['where there is no parser', quiet().post('/', secure(sees), echo), 'application/json'],
        ['of any type where there is no parser', quiet().post('/', secure(sees), echo), 'x/y'],
        [
          'that somebody has read past the parsers',
          quiet().use(parser, taken).post('/', secure(sees, { parser }), echo),
          'x/y',
        ],
        [
          'that somebody is about to read',
          quiet().use(parser, begun).post('/', secure(sees, { parser }), echo),
          'x/y',
        ],
      ])('as a fault of the server: a body %s', async (_, app, type) => {
        const { status, body } = await post(app, typed(type));
        expect([status, body]).toMatchObject([500, { code: 'message.unavailable' }]);
        expect(seen).toEqual([]);
      });

      test('is reported to operators, even if no policy waits for the end', async () => {
        const faults: unknown[] = [];
        const guarded = secure(sees, { onFault: (cause) => faults.push(cause) });
        expect(
          (await post(quiet().post('/', guarded, echo), typed('application/json'))).status,
        ).toBe(500);
        expect(faults).toMatchObject([
          { code: 'message.unavailable', cause: expect.stringContaining('parser: express.json()') },
        ]);
      });
    });

    test.each([
      ['{"a":', 400, 'message.malformed'],
      [`{"a":"${'x'.repeat(200)}"}`, 413, 'message.too_large'],
    ])('a body that the parser denies is denied: %s', async (body, status, code) => {
      const onError = vi.fn((_e, _q, res, _n) => res.end());
      const parser = express.json({ limit: 100 });
      const app = quiet().post('/', secure(sees, { parser }), echo).use(onError);
      const answer = await post(app, { body, headers: json });
      expect(answer).toMatchObject({ status, body: { code } });
      expect(onError).not.toHaveBeenCalled();
    });

    test('denies a body that it does not like', async () => {
      const strict = oblige({
        onMessage: async () => ({ ok: false, denial: { kind: 'malformed', code: 'input.bad' } }),
      });
      const app = quiet().use(express.json()).post('/', secure(strict), echo);
      const answer = await post(app, { body: '{}', headers: json });
      expect(answer).toMatchObject({ status: 400, body: { code: 'input.bad' } });
    });
  });

  describe.each([
    ['at once', filtered],
    ['later', filteredLater],
  ])('a policy that sees responses and answers %s', (_, filter) => {
    const data = { id: 1, secret: 's3cret' };
    const ask = async (handler: RequestHandler, extra?: (app: Express) => void, init = {}) => {
      const app = quiet();
      extra?.(app);
      app.get('/', secure(filter), handler);
      return fetch(await serve(app), init);
    };

    test.each<[string, RequestHandler]>([
      ['json', (_, res) => void res.status(201).json(data)],
      ['send of an object', (_, res) => void res.status(201).send(data)],
      ['jsonp without a callback', (_, res) => void res.status(201).jsonp(data)],
      [
        'send of JSON text',
        (_, res) => void res.status(201).type('json').send(JSON.stringify(data)),
      ],
      [
        'json of a class with toJSON',
        (_, res) => void res.status(201).json({ toJSON: () => data }),
      ],
      [
        'json after a sendStatus that threw',
        (_, res) => {
          try {
            res.sendStatus(99_999);
          } catch {
            res.status(201).type('json').json(data);
          }
        },
      ],
    ])('filters %s', async (_, handler) => {
      const response = await ask(handler);
      expect(response.status).toBe(201);
      expect(await response.json()).toEqual({ id: 1 });
    });

    test.each<[string, RequestHandler]>([
      ['send of text', (_, res) => void res.send('s3cret')],
      ['send of bytes', (_, res) => void res.send(Buffer.from('s3cret'))],
      [
        'jsonp',
        (req, res) => {
          Object.defineProperty(req, 'query', { value: { callback: 'f' } });
          res.jsonp(data);
        },
      ],
      [
        'write',
        (_, res) => {
          res.write('s3cret');
          res.end();
        },
      ],
      [
        'write later',
        (_, res) => {
          res.writeHead(200, { 'x-secret': 's3cret' });
          setTimeout(() => {
            res.write('s3cret');
            res.end('s3cret');
          }, 5);
        },
      ],
      ['end with a body', (_, res) => void res.end('s3cret')],
      [
        'writeHead and end',
        (_, res) => void res.writeHead(200, ['x-secret', 's3cret']).end('s3cret'),
      ],
      [
        'flushHeaders and write',
        (_, res) => {
          res.set('x-secret', 's3cret');
          res.flushHeaders();
          res.end('s3cret');
        },
      ],
      ['sendFile', (_, res) => res.sendFile(import.meta.filename)],
      ['render', (_, res) => res.render(import.meta.filename)],
      ['a pipe', (_, res) => void Readable.from(['s3cret', 's3cret']).pipe(res)],
      [
        'the error handler',
        () => {
          throw new Error('s3cret');
        },
      ],
    ])('replaces the output of %s', async (_, handler) => {
      const response = await ask(handler, (app) =>
        app.engine('ts', (_f, _o, done) => done(null, 's3cret')),
      );
      const text = await response.text();
      expect(response.status).toBe(500);
      expect(JSON.parse(text)).toMatchObject({ code: 'release.unfilterable' });
      expect(text + JSON.stringify([...response.headers])).not.toContain('s3cret');
    });

    test.each<[string, RequestHandler, number]>([
      ['204', (_, res) => void res.status(204).end(), 204],
      ['a bare end', (_, res) => void res.status(202).end(), 202],
      ['writeHead and a bare end', (_, res) => void res.writeHead(202, { 'x-a': 'b' }).end(), 202],
      ['sendStatus', (_, res) => void res.sendStatus(404), 404],
      ['a redirect', (_, res) => res.redirect('/x'), 302],
      ['304', (_, res) => void res.status(304).end(), 304],
    ])('lets %s pass', async (_, handler, status) => {
      expect((await ask(handler, undefined, { redirect: 'manual' })).status).toBe(status);
    });

    test('answers HEAD as it answers GET', async () => {
      const head = await ask((_, res) => void res.json(data), undefined, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('content-length')).toBe('8');
      const text = await ask((_, res) => void res.send('s3cret'), undefined, { method: 'HEAD' });
      expect(text.status).toBe(500);
    });

    test.each([
      ['decides', guard().use(closed), 403, 'shop.closed'],
      [
        'sees the response',
        oblige({
          onRelease: () => ({ ok: false, denial: { kind: 'forbidden', code: 'inner.no' } }),
        }),
        403,
        'inner.no',
      ],
      ['sees the response as text', oblige({ onRelease: () => ({ ok: true }) }), 200, undefined],
    ])(
      'leaves alone what a guard behind it denies when that %s',
      async (_, inner, status, code) => {
        const app = quiet().use(secure(filter));
        app.get('/', secure(inner), (_, res) => void res.json(data));
        const response = await fetch(await serve(app));
        const body = (await response.json()) as object;
        expect(response.status).toBe(status);
        expect(body).toEqual(code === undefined ? { id: 1 } : expect.objectContaining({ code }));
      },
    );

    test('takes away what the handler said of the body that is filtered', async () => {
      const old = { etag: '"1"', 'content-digest': 'sha-256=:AA==:', 'content-md5': 'AA==' };
      const app = quiet().get('/', secure(filter), (_q, res) => void res.set(old).json(data));
      const response = await fetch(await serve(app));
      expect(response.headers.get('etag')).not.toBe('"1"');
      expect(response.headers.has('content-digest')).toBe(false);
      expect(response.headers.has('content-md5')).toBe(false);
      expect(await response.json()).toEqual({ id: 1 });
    });

    test('is not fooled by a second answer', async () => {
      const response = await ask((_, res) => {
        res.json(data);
        res.end();
        res.json({ secret: 's3cret' });
      });
      expect(await response.text()).not.toContain('s3cret');
    });
  });

  describe('while the guard decides', () => {
    const slow = () => {
      let decide: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => {
        decide = resolve;
      });
      const policy = definePolicy({
        name: 'slow',
        role: 'grant',
        check: async () => {
          await asked;
          return deny('forbidden', 'shop.closed');
        },
      });
      return {
        decide,
        duty: oblige({ headers: [{ op: 'set', name: 'x', value: 'y' }] }).use(policy),
      };
    };

    test('somebody else may answer, and that answer stands', async () => {
      const { decide, duty } = slow();
      const app = quiet();
      app.use((_, res, next) => {
        next();
        res.status(504).end('too slow');
        decide();
      });
      const handler = vi.fn();
      const response = await fetch(await serve(app.get('/', secure(duty), handler)));
      expect(response.status).toBe(504);
      expect(await response.text()).toBe('too slow');
      expect(handler).not.toHaveBeenCalled();
    });

    test('the caller may leave', async () => {
      const { decide, duty } = slow();
      const base = await serve(quiet().get('/', secure(duty)));
      const call = httpRequest(base).on('error', () => undefined);
      call.end();
      await new Promise((resolve) => setTimeout(resolve, 30));
      call.destroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
      decide();
      await new Promise((resolve) => setTimeout(resolve, 20));
      // The server is still there.
      expect((await fetch(base)).status).toBe(403);
    });
  });

  describe('the end of a call', () => {
    const told = () => {
      const completions: Completion[] = [];
      const duty = oblige({ onComplete: (completion) => void completions.push(completion) });
      return { completions, duty };
    };
    // In turns: on a busy machine the timer of one long wait comes before what is to be read.
    const settled = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    test.each<[string, RequestHandler, string, number]>([
      ['succeeded', (_, res) => void res.status(201).end('x'), 'succeeded', 201],
      ['a fault', (_, res) => void res.status(503).end('x'), 'failed', 503],
      [
        'a throw',
        () => {
          throw new Error('x');
        },
        'failed',
        500,
      ],
      ['a denial by the caller', (_, res) => void res.status(404).end(), 'succeeded', 404],
    ])('is reported once: %s', async (_, handler, outcome, status) => {
      const { completions, duty } = told();
      const base = await serve(quiet().get('/', secure(duty), handler));
      await (await fetch(base)).text();
      await settled();
      expect(completions).toMatchObject([{ outcome, status }]);
    });

    test('is denied when the guard denies', async () => {
      const { completions, duty } = told();
      const base = await serve(quiet().get('/', secure(duty.use(closed))));
      await (await fetch(base)).text();
      await settled();
      expect(completions).toMatchObject([
        { outcome: 'denied', status: 403, denial: { code: 'shop.closed' } },
      ]);
    });

    test('is denied when the response is', async () => {
      const completions: Completion[] = [];
      const both = oblige({
        onRelease: () => ({ ok: true }),
        onComplete: (completion) => void completions.push(completion),
      });
      const base = await serve(quiet().get('/', secure(both), (_, res) => void res.end('text')));
      await (await fetch(base)).text();
      await settled();
      expect(completions).toMatchObject([
        { outcome: 'denied', status: 500, denial: { code: 'release.unfilterable' } },
      ]);
    });

    test('is aborted when the caller goes away', async () => {
      const { completions, duty } = told();
      const handler = vi.fn();
      const base = await serve(quiet().get('/', secure(duty), handler));
      const call = httpRequest(base).on('error', () => undefined);
      call.end();
      await vi.waitFor(() => expect(handler).toHaveBeenCalled(), { timeout: 10_000 });
      call.destroy();
      await vi.waitFor(() => expect(completions).toMatchObject([{ outcome: 'aborted' }]), {
        timeout: 10_000,
      });
    });

    test.each([
      ['at once', false],
      ['later', true],
    ])('is reported for every call of a closed connection, decided %s', async (_, waits) => {
      const { completions, duty } = told();
      let reached = 0;
      const base = await serve(
        quiet().get('/', secure(waits ? duty.use(late) : duty), (_req, res) => {
          // The first is never answered, so that all others wait for it.
          if (++reached > 1) res.end('in');
        }),
      );
      const socket = connect(Number(new URL(base).port), '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20));
      await vi.waitFor(() => expect(reached).toBe(20), { timeout: 10_000 });
      expect(completions).toEqual([]);
      socket.destroy();
      await vi.waitFor(() => expect(completions).toHaveLength(20), { timeout: 10_000 });
      await settled();
      expect(completions.map(({ outcome }) => outcome)).toEqual(Array(20).fill('aborted'));
    });
  });
});

test('a guard without a grant does not mount', () => {
  expect(() => secure(guard() as never)).toThrow(/no grant/);
});
