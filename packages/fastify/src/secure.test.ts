import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import {
  type CallFacts,
  type Completion,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type Obligations,
  pass,
  pathOf,
} from '@apisec/core';
import fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { secure } from './secure.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

function create(): FastifyInstance {
  const app = fastify();
  apps.push(app);
  return app;
}

async function serve(app: FastifyInstance): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
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
/** In turns: on a busy machine the timer of one long wait comes before what is to be read. */
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** A guard that notes the operations it is asked about. */
function watch() {
  const seen: string[] = [];
  const watching = definePolicy<CallFacts>({
    name: 'watch',
    role: 'grant',
    check: (_, { call }) => {
      seen.push(call.operation);
      return pass();
    },
  });
  return { seen, guard: guard().use(watching) };
}

describe('a call', () => {
  test.each([
    ['at once', open],
    ['later', late],
  ])('that is admitted %s reaches the handler with its facts', async (_, policy) => {
    const orders = guard().use(policy);
    const app = create();
    app.get('/', secure(orders).route, (request) => factsOf(request, orders).peer);
    const response = await fetch(await serve(app));
    expect(await response.json()).toEqual({ address: '127.0.0.1', id: '127.0.0.1' });
  });

  test('that is denied reaches no handler and no parser, and the answer says why', async () => {
    const handler = vi.fn();
    const parser = vi.fn();
    const app = create();
    app.addContentTypeParser('x/y', (_request, _payload, done) => done(null, parser()));
    app.post('/', secure(guard().use(closed)).route, handler);
    const init = { method: 'POST', body: 'x', headers: { 'content-type': 'x/y' } };
    const response = await fetch(await serve(app), init);
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'shop.closed', status: 403 });
    expect(handler).not.toHaveBeenCalled();
    expect(parser).not.toHaveBeenCalled();
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('s3cret');
      },
    ],
    ['rejects', () => Promise.reject(new Error('s3cret'))],
    ['answers nonsense', () => true],
  ])('whose policy %s is denied, and no error handler hears of it', async (_, check) => {
    const onError = vi.fn();
    const broken = definePolicy({ name: 'broken', role: 'grant', check: check as never });
    const app = create().setErrorHandler(onError);
    app.get('/', secure(guard().use(broken)).route, () => 'in');
    const response = await fetch(await serve(app));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('s3cret');
    expect(onError).not.toHaveBeenCalled();
  });

  test('with a repeated Authorization header shows both', async () => {
    const seen: unknown[] = [];
    const see = definePolicy({
      name: 'see',
      role: 'grant',
      check: ({ headers }) => {
        seen.push(headers.get('authorization'));
        return pass();
      },
    });
    const app = create();
    app.get('/', secure(guard().use(see)).route, () => '');
    const { port } = new URL(await serve(app));
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(
      'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAUTHORIZATION: b\r\nConnection: close\r\n\r\n',
    );
    await once(socket.resume(), 'close');
    expect(seen).toEqual(['a, b']);
  });

  test('whose path Fastify and policies would read differently is denied', async () => {
    // Fastify takes what follows the first slash behind the colon and two slashes.
    const front = definePolicy({
      name: 'front',
      role: 'grant',
      check: (request) => (pathOf(request) === '/' ? pass() : deny('forbidden', 'shop.closed')),
    });
    let reached = false;
    const app = create();
    await app.register(secure(guard().use(front)));
    app.get('/admin', () => {
      reached = true;
      return '';
    });
    const { port } = new URL(await serve(app));
    const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
    socket.end('GET http://a?b/admin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*call\.target_unclear/);
    expect(reached).toBe(false);
  });

  test('has a reason where a request comes without Host and Node leaves that to Fastify', async () => {
    let reached = false;
    const app = fastify({ http: { requireHostHeader: false } });
    apps.push(app);
    await app.register(secure(guard().use(open)));
    app.get('/', () => {
      reached = true;
      return '';
    });
    const { port } = new URL(await serve(app));
    const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
    socket.end('GET / HTTP/1.1\r\nConnection: close\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*host\.missing/);
    expect(reached).toBe(false);
  });

  test('that a preflight answers is 204 without a body', async () => {
    const preflight = definePolicy({
      name: 'preflight',
      role: 'grant',
      check: () => ({
        ok: false,
        denial: { kind: 'forbidden', code: 'cors.preflight', answer: { status: 204 } },
        obligations: { headers: [{ op: 'set', name: 'x-allow', value: 'yes' }] },
      }),
    });
    const app = create();
    await app.register(secure(guard().use(preflight)));
    app.get('/x', () => 'in');
    const response = await fetch(`${await serve(app)}/x`, { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('x-allow')).toBe('yes');
    expect(await response.text()).toBe('');
  });
});

describe('a plugin', () => {
  test('guards what is registered beside it, before and after, and unknown paths', async () => {
    const app = create();
    app.get('/before', () => 'in');
    await app.register(secure(guard().use(closed)));
    app.get('/after', () => 'in');
    await app.register(async (inner) => {
      inner.get('/inner', () => 'in');
    });
    const base = await serve(app);
    for (const path of ['/before', '/after', '/inner', '/unknown']) {
      expect((await fetch(base + path)).status).toBe(403);
    }
  });

  test('guards nothing outside the context where it is registered', async () => {
    const app = create();
    await app.register(async (inner) => {
      await inner.register(secure(guard().use(closed)));
      inner.get('/inner', () => 'in');
    });
    app.get('/outer', () => 'in');
    const base = await serve(app);
    expect((await fetch(`${base}/inner`)).status).toBe(403);
    expect((await fetch(`${base}/outer`)).status).toBe(200);
  });

  test('with the same guard on a route decides once', async () => {
    const { seen, guard } = watch();
    const secured = secure(guard);
    const app = create();
    await app.register(secured);
    app.get('/x', secured.route, () => 'in');
    expect((await fetch(`${await serve(app)}/x`)).status).toBe(200);
    expect(seen).toEqual(['GET /x']);
  });

  test('with another guard on a route: both decide', async () => {
    const outer = guard().use(open);
    const orders = guard().use(late);
    const app = create();
    await app.register(secure(outer));
    app.get('/x', secure(orders).route, (request) => {
      factsOf(request, outer);
      return factsOf(request, orders).peer.id;
    });
    app.get('/y', secure(guard().use(closed)).route, () => 'in');
    const base = await serve(app);
    expect(await (await fetch(`${base}/x`)).text()).toBe('127.0.0.1');
    expect((await fetch(`${base}/y`)).status).toBe(403);
  });
});

test.each(['onRequest', 'preParsing', 'preHandler', 'onSend'] as const)(
  'a route that replaces the hook %s lets nothing through unseen',
  async (name) => {
    const handler = vi.fn(() => ({ secret: 1 }));
    const strict = oblige({
      onMessage: () => ({ ok: false, denial: { kind: 'malformed', code: 'input.bad' } }),
      onRelease: () => ({ ok: true, value: {} }),
    });
    const app = create();
    const skip = (...args: unknown[]) => (args.at(-1) as () => void)();
    app.get('/', { ...secure(strict).route, [name]: skip }, handler);
    const response = await fetch(await serve(app));
    expect(response.status).toBe(name === 'onSend' ? 400 : 500);
    expect(handler).not.toHaveBeenCalled();
  },
);

describe('the operation', () => {
  test('is the pattern of the route with its prefix, and GET for the HEAD beside it', async () => {
    const { seen, guard } = watch();
    const app = create();
    await app.register(secure(guard));
    await app.register(
      async (inner) => {
        inner.get('/orders/:id', () => 'in');
        inner.route({ method: 'HEAD', url: '/head', handler: () => '' });
      },
      { prefix: '/api' },
    );
    const base = await serve(app);
    await fetch(`${base}/api/orders/7?x=1`);
    await fetch(`${base}/api/orders/7`, { method: 'HEAD' });
    await fetch(`${base}/api/head`, { method: 'HEAD' });
    await fetch(`${base}/unknown/7?x=1`);
    expect(seen).toEqual([
      'GET /api/orders/:id',
      'GET /api/orders/:id',
      'HEAD /api/head',
      'GET (unmatched)',
    ]);
  });

  const table = { 'GET /a/:id': guard().use(open), 'POST /b': guard().use(closed) };
  const start = async (routes: (app: FastifyInstance) => void) => {
    const app = create();
    await app.register(secure(coverage(table), { assertCovered: true }));
    routes(app);
    return app;
  };

  test('decides by coverage, which lists what is served', async () => {
    const app = await start((app) => app.get('/a/:id', () => 'in').post('/b', () => 'in'));
    const base = await serve(app);
    expect((await fetch(`${base}/a/1`)).status).toBe(200);
    expect(await (await fetch(`${base}/c`)).json()).toMatchObject({ code: 'operation.unlisted' });
  });

  test.each([
    ['served but not listed: GET /c', ['/a/:id', '/c']],
    ['listed but not served: GET /a/:id', []],
  ])('%s: does not start', async (message, paths) => {
    const app = await start((app) => {
      app.post('/b', () => 'in');
      for (const path of paths) app.get(path, () => 'in');
    });
    await expect(app.ready()).rejects.toThrow(message);
  });

  test('cannot be asserted of a guard', () => {
    expect(() => secure(guard().use(open), { assertCovered: true })).toThrow(/coverage/);
  });
});

test('used as a hook it denies the call, and says how to fix it', async () => {
  const app = fastify();
  app.get('/', { preHandler: secure(guard().use(open)) as never }, () => 'in');
  const { statusCode, body } = await app.inject('/');
  expect(statusCode).toBe(500);
  expect(body).toContain('app.register(secure(guard))');
});

describe('headers', () => {
  const duty = oblige({
    headers: [
      { op: 'set', name: 'x-frame-options', value: 'DENY' },
      { op: 'set', name: 'cache-control', value: 'no-store' },
      { op: 'append', name: 'Vary', value: 'Origin' },
      { op: 'delete', name: 'Server' },
    ],
  });

  test.each([
    ['listen', false],
    ['inject', true],
  ])(
    'stand unless the handler sets its own, and merge with what it says (%s)',
    async (_, inject) => {
      const app = create();
      app.get('/', secure(duty).route, (_, reply) =>
        reply.headers({ vary: 'Accept', 'cache-control': 'max-age=60', server: 'me' }).send({}),
      );
      const response = inject ? await app.inject('/') : await fetch(await serve(app));
      const headers = new Headers(response.headers as Record<string, string>);
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('cache-control')).toBe('max-age=60');
      expect(headers.get('vary')).toBe('Accept, Origin');
      expect(headers.get('server')).toBeNull();
    },
  );

  test.each<[string, string, RequestInit, number]>([
    ['a thrown error', '/throws', {}, 500],
    ['an unknown path', '/unknown', {}, 404],
    [
      'a malformed body',
      '/',
      { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
      400,
    ],
    [
      'an unknown content type',
      '/',
      { method: 'POST', body: '{', headers: { 'content-type': 'x/y' } },
      415,
    ],
    ['a hijacked reply', '/hijacked', {}, 200],
  ])('stand on the reply to %s', async (_, path, init, status) => {
    const app = create();
    await app.register(secure(duty));
    app.post('/', () => 'in');
    app.get('/throws', () => Promise.reject(new Error('x')));
    app.get('/hijacked', (_, reply) => {
      reply.hijack();
      reply.raw.end('in');
    });
    const response = await fetch((await serve(app)) + path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('vary')).toBe('Origin');
  });
});

describe('a policy that sees bodies', () => {
  const seen: unknown[] = [];
  const sees = oblige({
    onMessage: async (message) => {
      seen.push(message);
      return message === undefined ? { ok: true } : { ok: true, value: { checked: message } };
    },
  });
  const post = async (init: RequestInit, prepare?: (app: FastifyInstance) => void) => {
    seen.length = 0;
    const app = create();
    prepare?.(app);
    app.route({
      method: ['POST', 'GET'],
      url: '/',
      ...secure(sees).route,
      handler: (request) => ({ body: request.body }),
    });
    const response = await fetch(await serve(app), { method: 'POST', ...init });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  const json = { 'content-type': 'application/json' };

  test('sees the parsed body and may put another in its place', async () => {
    const { body } = await post({ body: '{"a":1}', headers: json });
    expect(body).toEqual({ body: { checked: { a: 1 } } });
  });

  test('sees the body as the handler gets it, coerced and stripped by its schema', async () => {
    seen.length = 0;
    const app = create();
    const schema = {
      body: {
        type: 'object',
        additionalProperties: false,
        properties: { n: { type: 'number' }, page: { type: 'number', default: 1 } },
      },
    };
    app.post('/', { schema, ...secure(sees).route }, (request) => ({ body: request.body }));
    const body = JSON.stringify({ n: '5', admin: true });
    const response = await fetch(await serve(app), { method: 'POST', body, headers: json });
    expect(seen).toEqual([{ n: 5, page: 1 }]);
    expect(await response.json()).toEqual({ body: { checked: { n: 5, page: 1 } } });
  });

  test.each([
    ['undefined where there is none', { method: 'GET' }, undefined],
    ['undefined where it is empty', {}, undefined],
    ['null where it is null', { body: 'null', headers: json }, null],
  ])('sees %s', async (_, init, message) => {
    expect((await post(init)).status).toBe(200);
    expect(seen).toEqual([message]);
  });

  test.each([
    [
      'a parser that leaves it',
      (app: FastifyInstance) => app.addContentTypeParser('x/y', (_q, _p, done) => done(null)),
    ],
    [
      'a parser that hands on the stream',
      (app: FastifyInstance) =>
        app.addContentTypeParser('x/y', (_q, payload, done) => done(null, payload)),
    ],
  ])('denies a body behind %s', async (_, prepare) => {
    const init = { body: 'x', headers: { 'content-type': 'x/y' } };
    const answer = await post(init, prepare);
    expect(answer).toMatchObject({ status: 500, body: { code: 'message.unavailable' } });
    expect(seen).toEqual([]);
  });
});

describe.each([
  ['at once', false],
  ['later', true],
])('a policy that sees responses and answers %s', (_, slow) => {
  const data = { id: 1, secret: 's3cret' };
  const keep = (payload: unknown) => {
    const { secret: _, message: __, ...rest } = payload as Record<string, unknown>;
    return { ok: true, value: rest } as const;
  };
  const filter = oblige({
    onRelease: slow ? async (payload) => settled().then(() => keep(payload)) : keep,
  });
  const ask = async (handler: RouteHandlerMethod, init = {}) => {
    const app = create();
    app.get('/', secure(filter).route, handler);
    return fetch(await serve(app), init);
  };

  test.each<[string, RouteHandlerMethod]>([
    [
      'a returned object',
      async (_, reply) => {
        reply.code(201);
        return data;
      },
    ],
    ['send of an object', (_, reply) => void reply.code(201).send(data)],
    [
      'JSON text',
      (_, reply) => void reply.code(201).type('application/json').send(JSON.stringify(data)),
    ],
    [
      'text from a serializer',
      (_, reply) =>
        void reply
          .code(201)
          .type('application/json')
          .serializer(() => JSON.stringify(data))
          .send({}),
    ],
    ['a class with toJSON', (_, reply) => void reply.code(201).send({ toJSON: () => data })],
    [
      'a wrong content-length',
      (_, reply) => void reply.code(201).header('content-length', 99).send(data),
    ],
  ])('filters %s', async (_, handler) => {
    const response = await ask(handler);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: 1 });
  });

  test('takes away what the handler said of the body that is filtered', async () => {
    const response = await ask(async (_, reply) => {
      reply.headers({ etag: '"1"', 'content-digest': 'sha-256=:AA==:', 'content-md5': 'AA==' });
      return data;
    });
    const names = ['etag', 'content-digest', 'content-md5'];
    expect(names.filter((name) => response.headers.has(name))).toEqual([]);
    expect(await response.json()).toEqual({ id: 1 });
  });

  test('lets nothing out that a hook behind it has put in place of what was filtered', async () => {
    const faults: unknown[] = [];
    const app = create();
    await app.register(secure(filter, { onFault: (cause) => faults.push(cause) }));
    app.addHook('onSend', async () => JSON.stringify(data));
    app.get('/', () => data);
    await expect(fetch(await serve(app)).then((response) => response.text())).rejects.toThrow(
      'fetch failed',
    );
    expect(faults).toMatchObject([{ code: 'release.unfilterable' }]);
  });

  test('may stand before another one, which filters what is left', async () => {
    const app = create();
    const inner = oblige({
      onRelease: (payload) => ({ ok: true, value: { ...(payload as object), inner: true } }),
    });
    await app.register(secure(filter));
    app.get('/', secure(inner).route, () => data);
    const response = await fetch(await serve(app));
    expect(await response.json()).toEqual({ id: 1, inner: true });
  });

  test('filters the reply of the error handler, and keeps its status', async () => {
    const response = await ask(() =>
      Promise.reject(Object.assign(new Error('s3cret'), { statusCode: 409 })),
    );
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({ error: 'Conflict', statusCode: 409 });
  });

  test('lets nothing out of the error handler where what was filtered could not be sent', async () => {
    const app = create();
    app.setErrorHandler((_error, _request, reply) => reply.removeHeader('x').code(500).send(data));
    app.get('/', secure(filter).route, (_, reply) => reply.header('x', 'a\nb').send(data));
    const response = await fetch(await serve(app));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('s3cret');
  });

  test.each<[string, RouteHandlerMethod]>([
    ['text', (_, reply) => void reply.send('s3cret')],
    ['bytes', (_, reply) => void reply.send(Buffer.from('s3cret'))],
    [
      'a stream',
      (_, reply) => void reply.header('x', 's3cret').send(createReadStream(import.meta.filename)),
    ],
    ['a web stream', (_, reply) => void reply.send(new Response('s3cret').body)],
    [
      'a web response',
      (_, reply) => void reply.send(new Response('s3cret', { headers: { x: 's3cret' } })),
    ],
    [
      'a hijacked reply',
      (_, reply) => {
        reply.hijack();
        reply.raw.end('s3cret');
      },
    ],
    [
      'the raw response',
      (_, reply) => {
        reply.raw.writeHead(200, { x: 's3cret' });
        reply.raw.write('s3cret');
        reply.raw.end();
      },
    ],
  ])('replaces %s', async (_, handler) => {
    const response = await ask(handler);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'release.unfilterable' });
    expect(text + JSON.stringify([...response.headers])).not.toContain('s3cret');
  });

  test.each<[string, RouteHandlerMethod, number]>([
    ['204', (_, reply) => void reply.code(204).send(), 204],
    ['an empty reply', (_, reply) => void reply.code(202).send(), 202],
    ['a redirect', (_, reply) => void reply.redirect('/x'), 302],
  ])('lets %s pass', async (_, handler, status) => {
    expect((await ask(handler, { redirect: 'manual' })).status).toBe(status);
  });

  test.each([
    ['decides', guard().use(closed), 'shop.closed'],
    [
      'sees bodies',
      oblige({ onMessage: () => ({ ok: false, denial: { kind: 'forbidden', code: 'input.no' } }) }),
      'input.no',
    ],
    [
      'sees responses',
      oblige({ onRelease: () => ({ ok: false, denial: { kind: 'forbidden', code: 'inner.no' } }) }),
      'inner.no',
    ],
  ])('leaves alone what a guard behind it denies when that %s', async (_, inner, code) => {
    const app = create();
    await app.register(secure(filter));
    app.get('/', secure(inner).route, () => data);
    const response = await fetch(await serve(app));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code, status: 403 });
  });

  test('answers HEAD as it answers GET', async () => {
    const head = await ask(() => data, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('8');
    expect((await ask(() => 's3cret', { method: 'HEAD' })).status).toBe(500);
    const app = create();
    app.route({
      method: ['GET', 'HEAD'],
      url: '/',
      ...secure(filter).route,
      handler: (_, reply) => void reply.header('content-length', 28).send(data),
    });
    const sized = await fetch(await serve(app), { method: 'HEAD' });
    expect(sized.headers.get('content-length')).toBe('8');
  });
});

describe('the end of a call', () => {
  const told = (policy: typeof open | typeof late = open) => {
    const completions: Completion[] = [];
    const duty = oblige({ onComplete: (completion) => void completions.push(completion) });
    return { completions, guard: duty.use(policy) };
  };

  test.each<[string, RouteHandlerMethod, string, number]>([
    ['a success', () => 'in', 'succeeded', 200],
    ['a fault', (_, reply) => void reply.code(503).send('x'), 'failed', 503],
    ['a throw', () => Promise.reject(new Error('x')), 'failed', 500],
  ])('is reported once: %s', async (_, handler, outcome, status) => {
    const { completions, guard } = told();
    const app = create();
    app.get('/', secure(guard).route, handler);
    await (await fetch(await serve(app))).text();
    await settled();
    expect(completions).toMatchObject([{ outcome, status }]);
  });

  test('is denied when the guard denies', async () => {
    const { completions, guard } = told(closed);
    const app = create();
    await app.register(secure(guard));
    await (await fetch(await serve(app))).text();
    await settled();
    expect(completions).toMatchObject([
      { outcome: 'denied', status: 403, denial: { code: 'shop.closed' } },
    ]);
  });

  test('is aborted when the caller goes away', async () => {
    const { completions, guard } = told();
    const app = create();
    const handler = vi.fn(() => new Promise(() => undefined));
    app.get('/', secure(guard).route, handler);
    const call = httpRequest(await serve(app)).on('error', () => undefined);
    call.end();
    await vi.waitFor(() => expect(handler).toHaveBeenCalled(), { timeout: 10_000 });
    call.destroy();
    await vi.waitFor(() => expect(completions).toMatchObject([{ outcome: 'aborted' }]), {
      timeout: 10_000,
    });
  });

  test.each([
    ['at once', open],
    ['later', late],
  ])('is reported for every call of a closed connection, decided %s', async (_, policy) => {
    const { completions, guard } = told(policy);
    const app = create();
    let reached = 0;
    // The first is never answered, so that all others wait for it.
    app.get('/', secure(guard).route, () => (++reached > 1 ? 'in' : new Promise(() => undefined)));
    const socket = connect(Number(new URL(await serve(app)).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20));
    await vi.waitFor(() => expect(reached).toBe(20), { timeout: 10_000 });
    expect(completions).toEqual([]);
    socket.destroy();
    await vi.waitFor(() => expect(completions).toHaveLength(20), { timeout: 10_000 });
    await settled();
    expect(completions.map(({ outcome }) => outcome)).toEqual(Array(20).fill('aborted'));
  });

  test('is reported for injected calls', async () => {
    const { completions, guard } = told();
    const app = create();
    app.get('/', secure(guard).route, () => 'in');
    expect((await app.inject('/')).body).toBe('in');
    await settled();
    expect(completions).toMatchObject([{ outcome: 'succeeded', status: 200 }]);
  });
});

test('a caller who leaves an HTTP/2 stream while the guard decides leaves the server whole', async () => {
  let decide: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const slow = definePolicy({
    name: 'slow',
    role: 'grant',
    check: async () => {
      await asked;
      return deny('forbidden', 'shop.closed');
    },
  });
  const duty = oblige({
    headers: [
      { op: 'set', name: 'x', value: 'y' },
      { op: 'append', name: 'vary', value: 'Origin' },
    ],
    onRelease: () => ({ ok: true }),
    onComplete: () => undefined,
  });
  const app = fastify({ http2: true });
  await app.register(secure(duty.use(slow)));
  app.get('/', () => 'in');
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const left = session.request({ ':path': '/' }).on('error', () => undefined);
  await settled();
  left.close(8);
  await settled();
  decide();
  await settled();
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  expect(headers[':status']).toBe(403);
  stream.resume();
  session.close();
  await app.close();
});

test('works over HTTP/2, where Host and :authority are one', async () => {
  const seen: unknown[] = [];
  const see = oblige({ headers: [{ op: 'append', name: 'vary', value: 'Origin' }] }).use(
    definePolicy<CallFacts>({
      name: 'see',
      role: 'check',
      check: ({ headers, method, url }, { peer }) => {
        seen.push(headers.get('host'), headers.get(':path'), method, url, peer.id);
        return pass();
      },
    }),
  );
  const app = fastify({ http2: true });
  await app.register(secure(see));
  app.get('/x', (_, reply) => reply.header('vary', 'Accept').send({}));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': '/x?y', ':authority': 'api.example.com' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  await once(stream.resume(), 'close');
  session.close();
  await app.close();
  expect(headers).toMatchObject({ ':status': 200, vary: 'Accept, Origin' });
  expect(seen).toEqual(['api.example.com', null, 'GET', '/x?y', '127.0.0.1']);
});

test('a caller who left while the policies were deciding reaches no handler', async () => {
  let decide: () => void = () => undefined;
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  let asked = 0;
  const slow = definePolicy({
    name: 'slow',
    role: 'check',
    check: () => {
      asked++;
      return decided.then(() => pass());
    },
  });
  const app = create();
  await app.register(secure(guard().use(slow).use(open)));
  const handler = vi.fn(() => ({}));
  const gone = vi.fn();
  app.server.on('connection', (socket) => void socket.on('close', gone));
  app.get('/', handler);
  const url = await serve(app);
  const leaving = new AbortController();
  const call = fetch(url, { signal: leaving.signal }).catch(() => undefined);
  await vi.waitFor(() => expect(asked).toBe(1), { timeout: 10_000 });
  leaving.abort();
  await call;
  await vi.waitFor(() => expect(gone).toHaveBeenCalled(), { timeout: 10_000 });
  decide();
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(handler).not.toHaveBeenCalled();
});
