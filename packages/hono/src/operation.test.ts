import { createRequire } from 'node:module';
import {
  allowAnonymous,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HttpFacts,
  pass,
} from '@apisec/core';
import { Hono, type MiddlewareHandler } from 'hono';
import { every, some } from 'hono/combine';
import { HTTPException } from 'hono/http-exception';
import { logger } from 'hono/logger';
import { serveStatic } from 'hono/serve-static';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { secure } from './secure.ts';

const marked = (name: string) =>
  guard<HttpFacts>()
    .use(
      definePolicy({
        name,
        role: 'check',
        check: () => pass({}, { headers: [{ op: 'append', name: 'x-guard', value: name }] }),
      }),
    )
    .use(allowAnonymous());
const open = marked('open');
const closed = guard<HttpFacts>()
  .use(definePolicy({ name: 'closed', role: 'check', check: () => deny('forbidden', 'a.closed') }))
  .use(allowAnonymous());

type Table = Parameters<typeof coverage<HttpFacts>>[0];

/** An app behind a table, what operators heard, and how to ask it. */
function behind(table: Table, routes: (app: Hono) => void) {
  const faults: unknown[] = [];
  const app = new Hono();
  app.use(secure(coverage(table), { onFault: (cause) => faults.push(cause) }));
  routes(app);
  const ask = async (path: string, method = 'GET') => {
    const response = await app.request(path, { method });
    const text = await response.text();
    const code =
      response.status === 403 && text !== '' ? (JSON.parse(text) as { code: string }).code : text;
    return [response.status, code] as const;
  };
  return { ask, faults };
}

/** An app of another kind, whose answers and effects must stay behind its own row. */
function legacyApp() {
  const reached = vi.fn<() => void>();
  const legacy = () => {
    reached();
    return new Response('s3cret');
  };
  return { legacy, reached };
}

const UNLISTED = [403, 'operation.unlisted'];
const passing: MiddlewareHandler = (_c, next) => next();

describe('a listed row that may answer before a catch-all is asked as well', () => {
  const { legacy, reached } = legacyApp();
  const page = (app: Hono) =>
    app.get('/*', (c) => c.text('page')).post('/*', (c) => c.text('post'));

  test.each<[string, Table, (app: Hono) => void, string]>([
    [
      'app.mount by method',
      { 'GET /old/*': closed, 'GET /*': open },
      (app) => void app.mount('/old', legacy),
      'GET',
    ],
    [
      'app.mount by ALL',
      { 'ALL /old/*': closed, 'GET /*': open },
      (app) => void app.mount('/old', legacy),
      'GET',
    ],
    [
      'app.mount for HEAD',
      { 'GET /old/*': closed, 'GET /*': open },
      (app) => void app.mount('/old', legacy),
      'HEAD',
    ],
    [
      'app.use',
      { 'GET /old/*': closed, 'GET /*': open },
      (app) => void app.use('/old/*', async (_c, _next) => legacy()),
      'GET',
    ],
    [
      'app.all',
      { 'GET /old/*': closed, 'GET /*': open },
      (app) => void app.all('/old/*', async (_c, _next) => legacy()),
      'GET',
    ],
    [
      'app.use with rest arguments',
      { 'GET /old/*': closed, 'GET /*': open },
      (app) => void app.use('/old/*', async (..._all) => legacy()),
      'GET',
    ],
    [
      'app.mount for another method',
      { 'POST /old/*': closed, 'ALL /*': open },
      (app) => void app.mount('/old', legacy),
      'POST',
    ],
  ])('%s', async (_name, table, routes, method) => {
    reached.mockClear();
    const { ask } = behind(table, (app) => {
      routes(app);
      page(app);
    });
    expect((await ask('/old/a', method))[0]).toBe(403);
    expect(reached).not.toHaveBeenCalled();
    if (method !== 'POST') expect(await ask('/new')).toEqual([200, 'page']);
  });

  test('an admitted call is answered with the headers of both guards', async () => {
    const app = new Hono();
    app.use(secure(coverage({ 'GET /old/*': marked('old'), 'GET /*': open })));
    app.mount('/old', () => new Response('old'));
    app.get('/*', (c) => c.text('page'));
    const response = await app.request('/old/a');
    expect([await response.text(), response.headers.get('x-guard')]).toEqual(['old', 'open, old']);
  });
});

describe('a route that may answer and is not listed is denied', () => {
  test('app.mount before a catch-all does not even run', async () => {
    const { legacy, reached } = legacyApp();
    const { ask, faults } = behind({ 'ALL /*': open }, (app) => {
      app.mount('/old', legacy);
      app.all('/*', (c) => c.text('page'));
    });
    for (const method of ['GET', 'HEAD', 'DELETE'])
      expect((await ask('/old/a', method))[0]).toBe(403);
    expect(reached).not.toHaveBeenCalled();
    expect(String(faults[0])).toContain('"GET /old/*" may answer calls and is not listed');
    expect(await ask('/new')).toEqual([200, 'page']);
  });

  test('static files before a catch-all stay inside', async () => {
    const files = serveStatic({ getContent: async () => 's3cret', root: '.' });
    const { ask } = behind({ 'GET /*': open }, (app) => {
      app.use('/static/*', files);
      app.get('/*', (c) => c.text('page'));
    });
    expect(await ask('/static/a.txt')).toEqual(UNLISTED);
    expect(await ask('/a.txt')).toEqual([200, 'page']);
  });

  test('middleware over everything that answers by itself is withheld, and operators hear of it', async () => {
    const { ask, faults } = behind({ 'GET /a': open, 'GET /b': open }, (app) => {
      app.use(async (c, next) => (c.req.path === '/a' ? c.text('s3cret') : next()));
      app.get('/a', (c) => c.text('a')).get('/b', (c) => c.text('b'));
    });
    expect(await ask('/a')).toEqual(UNLISTED);
    expect(String(faults[0])).toContain('"GET /*" may answer calls');
    expect(await ask('/b')).toEqual([200, 'b']);
  });

  test.each<[string, MiddlewareHandler]>([
    ['with rest arguments', (...all) => all[1]()],
    [
      'that reads its arguments',
      function (this: void) {
        // oxlint-disable-next-line prefer-rest-params
        return (arguments[1] as () => Promise<void>)();
      },
    ],
    // oxlint-disable-next-line typescript/no-useless-default-assignment -- it shortens `length`
    ['with a default', (_c, next = async () => undefined) => next()],
    // oxlint-disable-next-line no-extra-bind -- it hides the source text
    ['that was bound', ((...all: Parameters<MiddlewareHandler>) => all[1]()).bind(undefined)],
    ['of combine', every(passing, some(passing))],
    ['of the framework', logger(() => undefined)],
    ['that passes on', passing],
  ])('middleware %s is not taken for a handler', async (_name, middleware) => {
    const { ask } = behind({ 'GET /*': open, 'GET /a': closed, 'GET /b': open }, (app) => {
      app.use('/a', middleware);
      app.use('/b', middleware);
      app
        .get('/a', (c) => c.text('s3cret'))
        .get('/b', (c) => c.text('b'))
        .get('/*', () => new Response('page'));
    });
    expect(await ask('/a')).toEqual([403, 'a.closed']);
    expect(await ask('/b')).toEqual([200, 'b']);
    expect(await ask('/c')).toEqual([200, 'page']);
  });

  test('a handler that takes next, behind a listed wildcard, is not decided by that', async () => {
    const { ask } = behind({ 'GET /a/*': open }, (app) => {
      app.get('/a/*', passing).get('/a/b', async (c, _next) => c.text('s3cret'));
    });
    expect(await ask('/a/b')).toEqual(UNLISTED);
  });

  test('errors, denials further in and routes that are not there keep their own answers', async () => {
    const app = new Hono();
    app.use(
      secure(coverage({ 'GET /a': open, 'GET /b': open, 'GET /c/*': open }), {
        onFault: () => undefined,
      }),
    );
    app.use('/a', async () => {
      throw new HTTPException(429);
    });
    app.use('/b', secure(closed));
    app.get('/a', (c) => c.text('a')).get('/b', (c) => c.text('b'));
    app.get('/c/*', secure(open));
    expect((await app.request('/a')).status).toBe(429);
    expect(await (await app.request('/b')).json()).toMatchObject({ code: 'a.closed' });
    expect((await app.request('/c/d')).status).toBe(404);
  });
});

describe('a table on a wildcard decides each route behind by its own row', () => {
  test.each<[string, (app: Hono, guarded: MiddlewareHandler) => unknown]>([
    ['for a method', (app, guarded) => app.get('/q/*', guarded)],
    ['for all methods', (app, guarded) => app.all('/q/*', guarded)],
    ['of app.use', (app, guarded) => app.use('/q/*', guarded)],
    ['within every', (app, guarded) => app.use('/q/*', every(passing, guarded))],
    [
      'within a function of the user',
      (app, guarded) => app.use('/q/*', (c, next) => guarded(c, next)),
    ],
  ])('%s', async (_name, mount) => {
    const api = coverage({ 'GET /q/*': open, 'GET /q/closed': closed });
    const app = new Hono();
    mount(app, secure(api, { onFault: () => undefined }));
    app.get('/q/closed', (c) => c.text('s3cret'));
    app.get('/q/forgotten', (c) => c.text('s3cret'));
    app.get('/q/*', (c) => c.text(factsOf(c, api).call.operation));
    const codes = async (path: string) =>
      ((await (await app.request(path)).json()) as { code: string }).code;
    expect(await codes('/q/closed')).toBe('a.closed');
    expect(await codes('/q/forgotten')).toBe('operation.unlisted');
    expect(await (await app.request('/q/other')).text()).toBe('GET /q/*');
  });
});

test('another copy of Hono in the same process is understood', async () => {
  const { Hono: Other } = createRequire(import.meta.url)('hono') as { Hono: typeof Hono };
  expect(Other).not.toBe(Hono);
  const faults = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => faults.mockRestore());
  const app = new Other();
  app.use(secure(coverage({ 'GET /orders/:id': open, 'GET /closed': closed })));
  app.get('/orders/:id', (c) => c.text('order')).get('/closed', (c) => c.text('s3cret'));
  expect(await (await app.request('/orders/7')).text()).toBe('order');
  expect((await app.request('/closed')).status).toBe(403);
  expect(faults).not.toHaveBeenCalled();
});
