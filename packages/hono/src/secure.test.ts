import {
  allowAnonymous,
  type Completion,
  ConfigurationError,
  cors,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HttpFacts,
  type Obligations,
  pass,
  securityHeaders,
} from '@apisec/core';
import { Hono, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { routePath } from 'hono/route';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type SecureOptions, secure } from './secure.ts';

const open = guard<HttpFacts>().use(securityHeaders()).use(allowAnonymous());
const closed = guard<HttpFacts>()
  .use(securityHeaders())
  .use(
    definePolicy({ name: 'closed', role: 'check', check: () => deny('forbidden', 'shop.closed') }),
  )
  .use(allowAnonymous());

/** An open guard with one duty more. */
const obliged = (duty: Obligations) =>
  guard<HttpFacts>()
    .use(securityHeaders())
    .use(definePolicy({ name: 'duty', role: 'check', always: duty, check: () => pass() }))
    .use(allowAnonymous());

const post = (text: string, type = 'application/json'): RequestInit => ({
  method: 'POST',
  body: text,
  headers: { 'content-type': type },
});

const nosniff = (response: Response) => response.headers.get('x-content-type-options');

describe('on one route', () => {
  test('an admitted call reaches its handler with its facts', async () => {
    const app = new Hono();
    app.get('/orders/:id', secure(open), (c) => c.json(factsOf(c, open).call));
    const response = await app.request('/orders/7');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ protocol: 'http', operation: 'GET /orders/:id' });
    expect(nosniff(response)).toBe('nosniff');
  });

  test('a denied call reaches nothing, and problem details say why', async () => {
    const handler = vi.fn<() => Response>(() => new Response('secret'));
    const app = new Hono();
    app.get('/orders', secure(closed), handler);
    const response = await app.request('/orders');
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'shop.closed', status: 403 });
    expect(nosniff(response)).toBe('nosniff');
    expect(handler).not.toHaveBeenCalled();
  });

  test('a handler without its guard gets no facts', async () => {
    const app = new Hono();
    app.onError((error, c) => c.text(error.name, 500));
    app.get('/orders', (c) => c.json(factsOf(c, open)));
    expect(await (await app.request('/orders')).text()).toBe('ConfigurationError');
  });

  test('an outer guard and an inner one both decide, and both give their facts', async () => {
    const tenant = open.use(
      definePolicy({ name: 'tenant', role: 'check', check: () => pass({ tenant: 'acme' }) }),
    );
    const app = new Hono();
    app.use(secure(open));
    app.get('/a', secure(tenant), (c) =>
      c.text(factsOf(c, tenant).tenant + factsOf(c, open).call.operation),
    );
    app.get('/b', secure(closed), (c) => c.text('never'));
    expect(await (await app.request('/a')).text()).toBe('acmeGET /a');
    expect((await app.request('/b')).status).toBe(403);
  });

  test('a guard without a grant cannot be mounted', () => {
    const checks = guard().use(securityHeaders());
    // @ts-expect-error plain JavaScript has no compiler
    expect(() => secure(checks)).toThrow(ConfigurationError);
    expect(() => secure(open, { maxBodyBytes: Number.NaN })).toThrow(ConfigurationError);
    // @ts-expect-error a bare number has no unit
    expect(() => secure(open, { bodyTimeout: 30 })).toThrow(/duration with its unit/);
    // @ts-expect-error a name that is misspelled
    expect(() => secure(open, { maxBodySize: 10 })).toThrow(/"maxBodySize" is not an option/);
    const peer = () => ({ address: undefined, id: undefined });
    expect(() => secure(open, { peer, host: () => ({ peer: peer() }) })).toThrow(/not both/);
  });
});

describe('the operation', () => {
  const seen = (app: Hono) => async (path: string, init?: RequestInit) => {
    const response = await app.request(path, init);
    return response.headers.get('x-operation');
  };
  const tell = guard<HttpFacts>()
    .use(
      definePolicy<HttpFacts, object, 'check'>({
        name: 'tell',
        role: 'check',
        check: (_request, { call }) =>
          pass({}, { headers: [{ op: 'set', name: 'x-operation', value: call.operation }] }),
      }),
    )
    .use(allowAnonymous());

  test.each<[string, (app: Hono) => void, string, string, string]>([
    [
      'of a route behind app.use',
      (app) => app.get('/orders/:id', (c) => c.text('')),
      'GET',
      '/orders/7',
      'GET /orders/:id',
    ],
    [
      'of the first of two routes',
      (app) => app.get('/a/:x', (c) => c.text('')).get('/a/*', (c) => c.text('')),
      'GET',
      '/a/b',
      'GET /a/:x',
    ],
    [
      'behind middleware of a wider route',
      (app) => app.get('/a/*', (_c, next) => next()).get('/a/b', (c) => c.text('')),
      'GET',
      '/a/b',
      'GET /a/b',
    ],
    [
      'behind more middleware',
      (app) => app.use('/a/*', (_c, next) => next()).post('/a/b', (c) => c.text('')),
      'POST',
      '/a/b',
      'POST /a/b',
    ],
    [
      'before middleware that was added late',
      (app) => app.get('/a', (c) => c.text('')).use('/a', (_c, next) => next()),
      'GET',
      '/a',
      'GET /a',
    ],
    ['of app.all', (app) => app.all('/a', (c) => c.text('')), 'PUT', '/a', 'PUT /a'],
    [
      'of HEAD, which GET answers',
      (app) => app.get('/a', (c) => c.text('')),
      'HEAD',
      '/a',
      'GET /a',
    ],
    [
      'of a handler that takes next',
      (app) => app.get('/a', async (c, _next) => c.text('')),
      'GET',
      '/a',
      'GET /a',
    ],
    [
      'of a mounted app',
      (app) =>
        app.route(
          '/sub',
          new Hono().get('/a/:x', (c) => c.text('')),
        ),
      'GET',
      '/sub/a/1',
      'GET /sub/a/:x',
    ],
    [
      'of a mounted app with its own onError',
      (app) =>
        app.route(
          '/sub',
          new Hono()
            .onError((_e, c) => c.text(''))
            .get('/a/*', (_c, next) => next())
            .get('/a/b', (c) => c.text('')),
        ),
      'GET',
      '/sub/a/b',
      'GET /sub/a/b',
    ],
    ['of nothing', () => undefined, 'GET', '/GET%20/a', 'GET /*'],
  ])('%s', async (_name, routes, method, path, operation) => {
    const app = new Hono();
    app.use(secure(tell));
    routes(app);
    expect(await seen(app)(path, { method })).toBe(operation);
  });

  test('on a route is that route, whatever else matches', async () => {
    const app = new Hono();
    app.get('/a/:x', secure(tell), (c) => c.text(routePath(c)));
    app.get('/a/*', (c) => c.text('other'));
    expect(await seen(app)('/a/b')).toBe('GET /a/:x');
  });

  test('decides by coverage; what is not listed, or not there, is denied', async () => {
    const app = new Hono();
    app.use(secure(coverage({ 'GET /open/:id': open, 'GET /closed': closed })));
    app.get('/open/:id', (c) => c.text('ok'));
    app.get('/closed', (c) => c.text('never'));
    app.get('/forgotten', (c) => c.text('never'));
    const status = async (path: string) => (await app.request(path)).status;
    expect(await status('/open/1')).toBe(200);
    expect(await status('/closed')).toBe(403);
    expect(await status('/forgotten')).toBe(403);
    expect(await status('/nowhere')).toBe(403);
    expect(await status('/open/:id')).toBe(200);
    expect(await status('/closed/..%2fopen/1')).toBe(403);
  });

  test('is also that of a listed route which may answer before the handler', async () => {
    const told = (name: string) =>
      open.use(
        definePolicy({
          name,
          role: 'check',
          check: () => pass({}, { headers: [{ op: 'append', name: 'x-guard', value: name }] }),
        }),
      );
    const files: MiddlewareHandler = (c, next) =>
      c.req.path.endsWith('.txt') ? Promise.resolve(c.text('file')) : next();
    const app = new Hono();
    app.use(
      secure(coverage({ 'GET /a/*': closed, 'GET /b/*': told('files'), 'GET /*': told('page') })),
    );
    app.get('/a/*', files).get('/b/*', files).get('/b/*', files);
    app.get('/*', (_c, next) => next()).get('/*', (c) => c.text('page'));
    const ask = async (path: string, method = 'GET') => {
      const response = await app.request(path, { method });
      return [response.status, response.headers.get('x-guard')];
    };
    expect(await ask('/a/s3cret.txt')).toEqual([403, null]);
    expect(await ask('/a/s3cret.txt', 'HEAD')).toEqual([403, null]);
    expect(await ask('/a/page')).toEqual([403, null]);
    expect(await ask('/b/x.txt')).toEqual([200, 'page, files']);
    expect(await ask('/c')).toEqual([200, 'page']);
  });

  test('is also that of a listed app of another kind which is mounted before', async () => {
    const app = new Hono();
    app.use(secure(coverage({ 'ALL /old/*': closed, 'GET /*': open })));
    app.use(async (_c, next) => next());
    app.mount('/old', () => new Response('s3cret'));
    app.get('/*', (c) => c.text('page'));
    expect((await app.request('/old/a')).status).toBe(403);
    expect((await app.request('/old/a', { method: 'HEAD' })).status).toBe(403);
    expect((await app.request('/new')).status).toBe(200);
  });

  test('is that of every listed route where all of them take next', async () => {
    const app = new Hono();
    app.use(secure(coverage({ 'GET /a/*': open, 'GET /a/b': closed })));
    app.get('/a/*', (_c, next) => next()).get('/a/b', async (c, _next) => c.text('s3cret'));
    expect((await app.request('/a/b')).status).toBe(403);
  });

  test('of a preflight, for which Hono has no route, is answered in front of the table', async () => {
    const surface = guard<HttpFacts>().use(cors({ origins: ['https://app.example.com'] }));
    const orders = surface.use(
      definePolicy({ name: 'login', role: 'grant', check: () => deny('unauthenticated', 'a.b') }),
    );
    const app = new Hono();
    app.use(secure(coverage({ 'GET /orders/:id': orders }, { unlisted: surface })));
    app.get('/orders/:id', (c) => c.text('never'));
    const preflight = async (origin: string) => {
      const headers = { origin, 'access-control-request-method': 'GET' };
      const response = await app.request('/orders/7', { method: 'OPTIONS', headers });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    expect(await preflight('https://app.example.com')).toEqual([204, 'https://app.example.com']);
    expect(await preflight('https://evil.example')).toEqual([403, null]);
  });

  test('can be named by the application', async () => {
    const app = new Hono();
    app.use(secure(tell, { operation: () => 'GET /mine' }));
    app.get('/a', (c) => c.text(''));
    expect(await seen(app)('/a')).toBe('GET /mine');
  });
});

describe('the host', () => {
  const peers = guard<HttpFacts>()
    .use(
      definePolicy<HttpFacts, object, 'check'>({
        name: 'peers',
        role: 'check',
        check: (request, { peer }) =>
          peer.id === undefined
            ? deny('forbidden', 'peer.unknown')
            : pass({ seen: `${peer.id} ${request.url}` }),
      }),
    )
    .use(allowAnonymous());

  test('supplies the peer, and may stand in a nearer request', async () => {
    const host: SecureOptions['host'] = () => ({
      peer: { address: '192.0.2.1', id: '192.0.2.1' },
      request: { method: 'GET', url: '/raw', headers: new Headers() },
    });
    const app = new Hono();
    app.get('/a', secure(peers, { host }), (c) => c.json(factsOf(c, peers)));
    expect(await (await app.request('/a')).json()).toMatchObject({ seen: '192.0.2.1 /raw' });
  });

  test('may supply the peer and the certificate itself', async () => {
    const app = new Hono();
    const peer = () => ({ address: '192.0.2.1', id: '192.0.2.1' });
    app.get('/a', secure(peers, { peer }), (c) => c.json(factsOf(c, peers)));
    const { seen } = (await (await app.request('/a')).json()) as { seen: string };
    expect(seen).toMatch(/^192\.0\.2\.1 /);
  });

  test('without one, nobody is known', async () => {
    const app = new Hono();
    app.get('/a', secure(peers), (c) => c.text(''));
    expect((await app.request('/a')).status).toBe(403);
  });

  test.each<[string, SecureOptions]>([
    [
      'host',
      {
        host: () => {
          throw new Error('secret socket');
        },
      },
    ],
    [
      'operation',
      {
        operation: () => {
          throw new Error('secret route');
        },
      },
    ],
  ])(
    'a throw of %s closes the call without disclosing anything to the caller',
    async (_name, options) => {
      const faults: unknown[] = [];
      const handler = vi.fn<() => Response>(() => new Response(''));
      const app = new Hono();
      app.get('/a', secure(open, { ...options, onFault: (cause) => faults.push(cause) }), handler);
      const response = await app.request('/a');
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('secret');
      expect(handler).not.toHaveBeenCalled();
      expect(faults).toHaveLength(1);
    },
  );
});

describe('responses', () => {
  test.each<[string, (app: Hono) => void, number]>([
    ['of a handler', (app) => app.get('/a', (c) => c.text('')), 200],
    ['without a body', (app) => app.get('/a', (c) => c.body(null, 204)), 204],
    [
      'of app.onError',
      (app) =>
        app.get('/a', () => {
          throw new Error('broken');
        }),
      500,
    ],
    [
      'of an HTTPException',
      (app) =>
        app.get('/a', () => {
          throw new HTTPException(409);
        }),
      409,
    ],
    ['of app.notFound', () => undefined, 404],
    [
      'with headers that cannot be changed',
      (app) => app.get('/a', () => Response.redirect('https://example.com')),
      302,
    ],
  ])('%s carry the headers of the guard', async (_name, routes, status) => {
    const app = new Hono();
    app.onError((error, c) =>
      error instanceof HTTPException ? error.getResponse() : c.text('sorry', 500),
    );
    app.use(secure(open));
    routes(app);
    const response = await app.request('/a');
    expect(response.status).toBe(status);
    expect(nosniff(response)).toBe('nosniff');
  });

  test('keep what the handler set itself, every cookie, and what middleware set', async () => {
    const app = new Hono();
    app.use(async (c, next) => {
      c.header('x-request-id', '1');
      await next();
    });
    app.use(secure(open));
    app.get('/a', (c) => {
      c.header('cache-control', 'max-age=60');
      c.header('x-powered-by', 'hono');
      c.header('set-cookie', 'a=1', { append: true });
      c.header('set-cookie', 'b=2', { append: true });
      return c.text('');
    });
    const { headers } = await app.request('/a');
    expect(headers.get('cache-control')).toBe('max-age=60');
    expect(headers.has('x-powered-by')).toBe(false);
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(headers.get('x-request-id')).toBe('1');
  });

  test('of denials keep what earlier middleware set', async () => {
    const app = new Hono();
    app.use(async (c, next) => {
      c.header('x-request-id', '1');
      await next();
      c.header('x-late', '1');
    });
    app.get('/a', secure(closed), (c) => c.text(''));
    const response = await app.request('/a');
    expect(response.status).toBe(403);
    expect(response.headers.get('x-request-id')).toBe('1');
    expect(response.headers.get('x-late')).toBe('1');
    expect(nosniff(response)).toBe('nosniff');
  });
});

describe('bodies', () => {
  const amount = (message: unknown) => (message as { amount?: unknown } | undefined)?.amount;
  const positive = obliged({
    onMessage: (message) =>
      typeof amount(message) === 'number' && (amount(message) as number) > 0
        ? { ok: true }
        : { ok: false, denial: { kind: 'malformed', code: 'amount.invalid' } },
  });
  const doubled = obliged({
    onMessage: (message) => ({ ok: true, value: { amount: (amount(message) as number) * 2 } }),
  });
  const echo = (admission: typeof open, before?: Parameters<Hono['use']>[1]) => {
    const app = new Hono();
    if (before) app.use(before);
    app.post('/a', secure(admission, { maxBodyBytes: 64 }), async (c) =>
      c.json(await c.req.json()),
    );
    return async (init: RequestInit) => {
      const response = await app.request('/a', init);
      return [response.status, await response.json()] as const;
    };
  };

  test('are shown to policies and stay readable', async () => {
    expect(await echo(positive)(post('{"amount":1}'))).toEqual([200, { amount: 1 }]);
    expect(await echo(positive)(post('{"amount":-1}'))).toMatchObject([
      400,
      { code: 'amount.invalid' },
    ]);
  });

  test('are replaced where a policy says so', async () => {
    expect(await echo(doubled)(post('{"amount":2}'))).toEqual([200, { amount: 4 }]);
  });

  test.each<[string, RequestInit, number, string]>([
    ['that are not JSON', post('{'), 400, 'message.malformed'],
    [
      'that are larger than allowed',
      post(`{"amount":1,"x":"${'x'.repeat(64)}"}`),
      413,
      'message.too_large',
    ],
    ['of another type', post('{"amount":1}', 'text/plain'), 415, 'message.type_unsupported'],
    [
      'in another charset',
      post('{"amount":1}', 'application/json; charset=utf-16'),
      415,
      'message.unsupported',
    ],
    ['that are not there', { method: 'POST' }, 400, 'amount.invalid'],
  ])('%s are denied', async (_name, init, status, code) => {
    expect(await echo(positive)(init)).toMatchObject([status, { code }]);
  });

  test('read by earlier middleware through c.req are shown all the same', async () => {
    const read = echo(positive, async (c, next) => {
      await c.req.json();
      await next();
    });
    expect(await read(post('{"amount":1}'))).toEqual([200, { amount: 1 }]);
    expect(await read(post('{"amount":-1}'))).toMatchObject([400, { code: 'amount.invalid' }]);
    expect(await read(post(`{"amount":1,"x":"${'x'.repeat(64)}"}`))).toMatchObject([413, {}]);
  });

  test('read by earlier middleware are replaced for the handler too', async () => {
    const read = echo(doubled, async (c, next) => {
      await c.req.json();
      await next();
    });
    expect(await read(post('{"amount":2}'))).toEqual([200, { amount: 4 }]);
  });

  test('read past Hono cannot be shown, and the call is denied', async () => {
    const read = echo(positive, async (c, next) => {
      await c.req.raw.text();
      await next();
    });
    expect(await read(post('{"amount":1}'))).toMatchObject([500, { code: 'message.unavailable' }]);
  });
});

describe('payloads', () => {
  const hidden = obliged({
    onRelease: (payload) => ({ ok: true, value: { ...(payload as object), secret: 'hidden' } }),
  });
  const serve = async (handler: (app: Hono) => void) => {
    const app = new Hono();
    app.use(secure(hidden));
    handler(app);
    const response = await app.request('/a');
    return [response.status, await response.text(), nosniff(response)] as const;
  };

  test('are filtered', async () => {
    expect(await serve((app) => app.get('/a', (c) => c.json({ id: 1, secret: 's3cret' })))).toEqual(
      [200, '{"id":1,"secret":"hidden"}', 'nosniff'],
    );
  });

  test.each<[string, (app: Hono) => void]>([
    ['text', (app) => app.get('/a', (c) => c.text('s3cret'))],
    ['a stream', (app) => app.get('/a', (c) => c.body(new Blob(['s3cret']).stream()))],
    [
      'broken JSON',
      (app) =>
        app.get('/a', (c) => c.body('{"s3cret"', 200, { 'content-type': 'application/json' })),
    ],
    [
      'the text of an error',
      (app) =>
        app
          .onError((error, c) => c.text(error.message))
          .get('/a', () => {
            throw new Error('s3cret');
          }),
    ],
  ])('that are %s stay inside', async (_name, handler) => {
    const [status, text, headers] = await serve(handler);
    expect(status).toBe(500);
    expect(text).toContain('release.unfilterable');
    expect(text).not.toContain('s3cret');
    expect(headers).toBe('nosniff');
  });

  test('that are not there need no filter', async () => {
    expect(await serve((app) => app.get('/a', (c) => c.body(null, 204)))).toEqual([
      204,
      '',
      'nosniff',
    ]);
  });
});

describe('the end of a call', () => {
  const ends = async (handler: (app: Hono) => void, init?: RequestInit) => {
    const endings: Completion[] = [];
    const watched = obliged({ onComplete: (end) => void endings.push(end) });
    const app = new Hono();
    // Whatever the app makes of it, a throw is a fault; an HTTPException says itself what it is.
    app.onError((error, c) =>
      error instanceof HTTPException ? error.getResponse() : c.text('sorry', 418),
    );
    app.use(secure(watched));
    handler(app);
    try {
      await (await app.request('/a', init)).text();
    } catch {
      // Hono hands on what is no Error.
    }
    return endings.map(({ outcome, status, denial }) => [outcome, status, denial?.code]);
  };

  test.each<[string, (app: Hono) => void, unknown[]]>([
    ['answered', (app) => app.get('/a', (c) => c.text('hello')), ['succeeded', 200, undefined]],
    ['not found', () => undefined, ['succeeded', 404, undefined]],
    [
      'thrown',
      (app) =>
        app.get('/a', () => {
          throw new Error('broken');
        }),
      ['failed', 418, undefined],
    ],
    [
      'thrown as an answer',
      (app) =>
        app.get('/a', () => {
          throw new HTTPException(409);
        }),
      ['succeeded', 409, undefined],
    ],
    [
      'thrown as no Error',
      (app) =>
        app.get('/a', () => {
          // oxlint-disable-next-line typescript/only-throw-error
          throw 'broken';
        }),
      ['failed', 500, undefined],
    ],
    [
      'denied further in',
      (app) => app.get('/a', secure(closed), (c) => c.text('')),
      ['succeeded', 403, undefined],
    ],
  ])('is reported once: %s', async (_name, handler, ending) => {
    expect(await ends(handler)).toEqual([ending]);
  });

  test('is reported for HEAD, whose body nobody reads', async () => {
    const head = await ends((app) => app.get('/a', (c) => c.text('hello')), { method: 'HEAD' });
    expect(head).toEqual([['succeeded', 200, undefined]]);
  });

  test('of a stream comes when the stream has ended', async () => {
    let told = 0;
    const app = new Hono();
    app.use(secure(obliged({ onComplete: () => void told++ })));
    app.get('/a', (c) => c.body(new Blob(['part']).stream()));
    const response = await app.request('/a');
    expect(told).toBe(0);
    expect(await response.text()).toBe('part');
    expect(told).toBe(1);
  });
});

describe('on hosts other than Node', () => {
  const upgrade = { headers: { upgrade: 'websocket' } };
  const socket = (admission: typeof open) => {
    const faults: unknown[] = [];
    const handler = vi.fn<() => Response>(() => new Response(null));
    const app = new Hono();
    app.get('/socket', secure(admission, { onFault: (cause) => faults.push(cause) }), handler);
    return { app, handler, faults };
  };

  test('a WebSocket is denied if a policy holds a place and its close cannot be observed', async () => {
    const { app, handler, faults } = socket(obliged({ confirmConnected: true }));
    const response = await app.request('/socket', upgrade);
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { code: 'upgrade.unwatched' },
    ]);
    expect(handler).not.toHaveBeenCalled();
    expect(String((faults[0] as { cause?: unknown }).cause)).toContain('watchedUpgrade');
    expect((await app.request('/socket')).status).toBe(200);
  });

  test.each<[string, number | undefined, boolean, number]>([
    ['denied where its credential expires and nobody can end it', 4e12, true, 500],
    ['opened where its credential never expires', undefined, true, 200],
    ['opened where it need not end with its credential', 4e12, false, 200],
  ])('a WebSocket is %s', async (_name, expiresAt, endWithToken, status) => {
    const who = definePolicy({
      name: 'who',
      role: 'grant',
      check: () => pass({ authentication: { expiresAt } }),
    });
    const app = new Hono();
    const guarding = secure(guard<HttpFacts>().use(who), {
      endWithToken,
      onFault: () => undefined,
    });
    app.get('/socket', guarding, () => new Response(null));
    expect((await app.request('/socket', upgrade)).status).toBe(status);
    expect((await app.request('/socket')).status).toBe(200);
  });

  test('a WebSocket behind other policies is opened', async () => {
    const { app, handler } = socket(open);
    expect((await app.request('/socket', upgrade)).status).toBe(200);
    expect(handler).toHaveBeenCalledOnce();
  });

  test('what policies do at the end of a call keeps the runtime alive', async () => {
    const kept: Promise<unknown>[] = [];
    let finish = (): void => undefined;
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let isDone = false;
    const onComplete = async () => {
      await work;
      isDone = true;
    };
    const admission = obliged({ onComplete });
    const app = new Hono();
    app.get('/a', secure(admission), (c) => c.body(null, 204));
    const execution = { waitUntil: (work: Promise<unknown>) => void kept.push(work) };
    await app.request('/a', {}, {}, execution as never);
    // The call itself, and what goes on when it has ended.
    expect([kept.length, isDone]).toEqual([2, false]);
    finish();
    await Promise.all(kept);
    expect(isDone).toBe(true);
  });

  test('the handler does not run once the caller has disconnected', async () => {
    const { app, handler } = socket(obliged({ confirmConnected: true }));
    const left = new AbortController();
    const answer = app.request('/socket', { signal: left.signal });
    left.abort();
    expect((await answer).status).toBe(503);
    expect(handler).not.toHaveBeenCalled();
  });

  test('a body that trickles in is denied in bounded time', async () => {
    const inspecting = obliged({ onMessage: () => ({ ok: true }) });
    const app = new Hono();
    app.post('/a', secure(inspecting, { bodyTimeout: '20ms' }), (c) => c.text('never'));
    const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([123])) });
    // Node asks for `duplex` with a stream; the DOM types do not know it.
    const init = { ...post(''), body, duplex: 'half' } as RequestInit;
    const response = await app.request('/a', init);
    expect([response.status, await response.json()]).toMatchObject([
      408,
      { code: 'message.timeout' },
    ]);
  });

  test('a body with a member that is there twice is denied', async () => {
    const app = new Hono();
    app.post('/a', secure(obliged({ onMessage: () => ({ ok: true }) })), (c) => c.text('never'));
    const response = await app.request('/a', post('{"amount":1,"amount":2}'));
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: 'message.malformed' },
    ]);
  });
});

test('faults are printed once for each cause unless somebody listens', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => printed.mockRestore());
  const app = new Hono();
  const broken = definePolicy({
    name: 'broken',
    role: 'grant',
    check: () => {
      throw new Error('no store');
    },
  });
  app.get('/a', secure(guard<HttpFacts>().use(broken)));
  for (let time = 0; time < 3; time++) expect((await app.request('/a')).status).toBe(500);
  expect(printed).toHaveBeenCalledOnce();
  expect(String(printed.mock.calls[0]?.[0])).toMatch(
    /^@apisec\/hono: broken policy.threw.*no store/,
  );
});
