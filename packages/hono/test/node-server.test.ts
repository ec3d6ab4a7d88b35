import { once } from 'node:events';
import { Agent, createServer, type Server, request as send } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import {
  allowAnonymous,
  allowedHosts,
  type Completion,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HeaderEdit,
  type HttpFacts,
  type Outcome,
  pass,
  securityHeaders,
} from '@apisec/core';
import { secure } from '@apisec/hono';
import { clientErrors } from '@apisec/node';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

const endings: Completion[] = [];
const waiting: (() => void)[] = [];
const connections: Socket[] = [];
let bodiesRead = 0;
const admission = guard<HttpFacts>()
  .use(securityHeaders())
  .use(
    definePolicy({
      name: 'credentials',
      role: 'check',
      always: { onComplete: (end) => void endings.push(end) },
      check: (request) => {
        const given = request.headers.get('authorization');
        return given === 'secret' ? pass({ given }) : deny('unauthenticated', 'credentials.bad');
      },
    }),
  )
  .use(
    definePolicy({
      name: 'headers',
      role: 'check',
      check: ({ url }) => {
        const headers: HeaderEdit[] = [
          { op: 'append', name: 'Vary', value: 'Origin' },
          { op: 'append', name: 'Set-Cookie', value: 'guard=1' },
        ];
        if (url.endsWith('/unsendable'))
          headers.push({ op: 'set', name: 'x-evil', value: 'a\r\nb: c' });
        return pass({}, { headers });
      },
    }),
  )
  .use(
    definePolicy({
      name: 'held',
      role: 'check',
      check: ({ url }) =>
        url.endsWith('/held')
          ? new Promise<Outcome>((resolve) => waiting.push(() => resolve(pass())))
          : pass(),
    }),
  )
  .use(
    definePolicy({
      name: 'body',
      role: 'check',
      check: (request) =>
        request.method === 'POST'
          ? pass({}, { onMessage: (message) => ({ ok: true, value: { seen: message ?? null } }) })
          : pass(),
    }),
  )
  .use(allowAnonymous());

let reached = 0;
let closeListeners = 0;

const app = new Hono();
app.use('/early/*', async (c, next) => {
  await c.req.text();
  await next();
});
app.use(secure(admission));
app.use(async (c, next) => {
  reached++;
  closeListeners = (c.env as HttpBindings).incoming.socket.listenerCount('close');
  await next();
});
app.get('/hello', (c) => c.json({ given: factsOf(c, admission).given }));
app.on('POST', ['/echo', '/early/echo'], async (c) => c.json(await c.req.json()));
app.get('/endless', (c) => {
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(new TextEncoder().encode('tick'));
    },
  });
  return c.body(body);
});
app.get('/own', (c) => {
  c.header('cache-control', 'max-age=60');
  c.header('x-powered-by', 'hono');
  c.header('vary', 'Accept');
  c.header('set-cookie', 'a=1', { append: true });
  c.header('set-cookie', 'b=2', { append: true });
  return c.text('own');
});
let shared = new Response();
app.get('/shared', () => shared);
app.get('/lazy', () => {
  const response = new Response('lazy');
  const descriptor = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(response), 'body');
  Object.defineProperty(response, 'body', {
    get: () => {
      bodiesRead++;
      return descriptor?.get?.call(response) as unknown;
    },
  });
  return response;
});
app.on('GET', ['/unsendable', '/held'], (c) => c.text('in'));
app.get('/broken', (c) => {
  let parts = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (parts++ < 3) controller.enqueue(new Uint8Array(100_000));
      else controller.error(new Error('broken'));
    },
  });
  return c.body(body);
});
app.get('/never', () => new Promise<Response>(() => undefined));
app.get('/proxied', () => fetch(`http://127.0.0.1:${port}/upstream`));

// Not behind Hono, so that `/proxied` answers a response whose headers cannot be changed.
const listener = getRequestListener(app.fetch);
const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/upstream') outgoing.end('from afar');
  else void listener(incoming, outgoing);
});
server.on('connection', (socket) => void connections.push(socket));
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  // The host has its own class of responses, once it has been set up.
  shared = new Response(null, { status: 204 });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

function call(
  path: string,
  headers: string[],
  method = 'GET',
  body?: string,
  agent?: Agent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send(
      { host: '127.0.0.1', port, path, method, agent, headers: ['host', 'localhost', ...headers] },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () =>
          resolve({ status: response.statusCode, text, headers: response.headers }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const honest = ['authorization', 'secret'];
const json = [...honest, 'content-type', 'application/json', 'transfer-encoding', 'chunked'];

describe('Hono on Node', () => {
  test('headers of the handler win, and lists keep the values of both', async () => {
    const { headers } = await call('/own', honest);
    expect(headers['cache-control']).toBe('max-age=60');
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['vary']).toBe('Accept, Origin');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2', 'guard=1']);
  });

  test('one response that answers many calls takes nothing from one to the next', async () => {
    for (let time = 0; time < 2; time++) {
      const { status, headers } = await call('/shared', honest);
      expect([status, headers['vary']]).toEqual([204, 'Origin']);
      expect(headers['set-cookie']).toEqual(['guard=1']);
    }
    expect([...shared.headers]).toEqual([]);
  });

  test('a response is sent as the host made it: its body is never looked at', async () => {
    bodiesRead = 0;
    expect((await call('/lazy', honest)).text).toBe('lazy');
    expect(bodiesRead).toBe(0);
  });

  test('a header that cannot be sent denies the call before its handler runs', async () => {
    const before = reached;
    const { status, text, headers } = await call('/unsendable', honest);
    expect([status, JSON.parse(text)]).toMatchObject([500, { code: 'policy.invalid_outcome' }]);
    expect(headers['x-evil']).toBeUndefined();
    expect(reached).toBe(before);
  });

  test('no handler runs for pipelined calls whose caller disconnects while they are decided', async () => {
    endings.length = 0;
    const before = reached;
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const asked = 'GET /held HTTP/1.1\r\nHost: localhost\r\nAuthorization: secret\r\n\r\n';
    socket.write(asked.repeat(50));
    await vi.waitFor(() => expect(waiting).toHaveLength(50), { timeout: 10_000 });
    const closed = once(connections.at(-1) as Socket, 'close');
    socket.destroy();
    await closed;
    for (const go of waiting.splice(0)) go();
    await vi.waitFor(() => expect(endings).toHaveLength(50), { timeout: 10_000 });
    expect(new Set(endings.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
    expect(reached).toBe(before);
  });

  test('more pipelined calls than anybody sends cut their connection', async () => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const asked = 'GET /never HTTP/1.1\r\nHost: localhost\r\nAuthorization: secret\r\n\r\n';
    socket.on('error', () => undefined).write(asked.repeat(150));
    await once(socket, 'close');
  });

  test('a stream that the handler breaks off ends the call as failed', async () => {
    endings.length = 0;
    const failed = call('/broken', honest, 'GET', undefined, new Agent()).catch(() => undefined);
    await vi.waitFor(() => expect(endings.map(({ outcome }) => outcome)).toEqual(['failed']), {
      timeout: 10_000,
    });
    await failed;
  });

  test('an honest call is answered with the headers of the guard', async () => {
    const { status, text, headers } = await call('/hello', honest);
    expect([status, text]).toEqual([200, '{"given":"secret"}']);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('a repeated Authorization is not taken for its first value', async () => {
    const { status, headers } = await call('/hello', [...honest, 'authorization', 'other']);
    expect(status).toBe(401);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test.each(['/echo', '/early/echo'])('a body is shown and replaced: %s', async (path) => {
    expect(await call(path, json, 'POST', '{"a":1}')).toMatchObject({
      status: 200,
      text: '{"seen":{"a":1}}',
    });
  });

  test('a POST without a body is shown as one', async () => {
    const { status, text } = await call('/echo', [...honest, 'content-length', '0'], 'POST');
    expect([status, text]).toEqual([200, '{"seen":null}']);
  });

  test('a response from fetch gets the headers of the guard', async () => {
    const { status, text, headers } = await call('/proxied', honest);
    expect([status, text]).toEqual([200, 'from afar']);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('HEAD has the headers and no body', async () => {
    const { status, text, headers } = await call('/hello', honest, 'HEAD');
    expect([status, text]).toEqual([200, '']);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('a caller who goes away ends the call as aborted', async () => {
    endings.length = 0;
    await new Promise<void>((resolve, reject) => {
      const outgoing = send(
        { host: '127.0.0.1', port, path: '/endless', headers: { authorization: 'secret' } },
        (response) => {
          response.once('data', () => {
            outgoing.destroy();
            resolve();
          });
          response.on('error', () => undefined);
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
    await vi.waitFor(() => expect(endings.map(({ outcome }) => outcome)).toEqual(['aborted']), {
      timeout: 10_000,
    });
  });

  test.each([
    ['/endless', '/endless'],
    ['/endless', '/never'],
    ['/never', '/endless'],
    ['/never', '/never'],
  ])('all calls of a connection that goes end as aborted: first %s, then %s', async (...paths) => {
    endings.length = 0;
    const asked = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: secret\r\n\r\n`;
    const [first, second] = paths.map(asked) as [string, string];
    const before = reached;
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(first + second.repeat(19));
    await vi.waitFor(() => expect(reached - before).toBe(20), { timeout: 10_000 });
    expect(endings).toEqual([]);
    socket.destroy();
    await vi.waitFor(() => expect(endings).toHaveLength(20), { timeout: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(endings.map(({ outcome }) => outcome)).toEqual(Array(20).fill('aborted'));
  });

  test('many calls on one connection cost it one listener', async () => {
    endings.length = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const counts = new Set<number>();
    for (let time = 0; time < 15; time++) {
      await call('/hello', honest, 'GET', undefined, agent);
      counts.add(closeListeners);
    }
    expect(counts.size).toBe(1);
    agent.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(endings.map(({ outcome }) => outcome)).toEqual(Array(15).fill('succeeded'));
  });
});

/** What a Hono app on Node answers to exactly these bytes. */
async function answerTo(app: Hono, text: string): Promise<string> {
  return answerOf(
    createServer((request, response) => void getRequestListener(app.fetch)(request, response)),
    text,
  );
}

async function answerOf(server: Server, text: string): Promise<string> {
  server.on('clientError', clientErrors());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

test('requests that Node cannot parse are answered with problem details before Hono sees them', async () => {
  const app = new Hono().get('/', (c) => c.text('open'));
  const answer = await answerTo(app, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/problem\+json/);
});

test.each([
  ['http://b.example/', 400],
  ['http://user@a.example/', 400],
  ['http://A.example/', 200],
  ['/', 200],
])('a target %s beside Host: a.example is answered with %i', async (target, status) => {
  const app = new Hono();
  app.use(
    secure(
      guard()
        .use(allowedHosts({ hosts: ['a.example'] }))
        .use(allowAnonymous()),
    ),
  );
  app.get('/', (c) => c.text(c.req.url));
  const answer = await answerTo(
    app,
    `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`,
  );
  expect(answer.slice(9, 12)).toBe(String(status));
  expect(answer.includes('call.target_unclear')).toBe(status === 400);
  expect(answer).not.toContain('b.example');
});

test.each([
  ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200],
  ['GET / HTTP/1.0\r\n\r\n', 200],
])('where Node and Hono take any host, %j is answered with %i', async (text, status) => {
  const app = new Hono();
  app.use(secure(guard().use(allowAnonymous()))).get('/', (c) => c.text('in'));
  const listener = getRequestListener(app.fetch, { hostname: 'localhost' });
  const server = createServer({ requireHostHeader: false }, (q, r) => void listener(q, r));
  const answer = await answerOf(server, text);
  expect(answer.slice(9, 12)).toBe(String(status));
  expect(answer.includes('host.missing')).toBe(status === 400);
});
