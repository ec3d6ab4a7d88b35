import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { allowAnonymous, type CorsOptions, cors, guard, type HttpFacts } from '@apisec/core';
import { secure } from '@apisec/express';
import express, { type Express, type RequestHandler } from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';

// The package `cors` beside ours on Express, case by case: what its users rely on. Each difference has its reason.

// It comes without types.
const peerCors = createRequire(import.meta.url)('cors') as (options?: unknown) => RequestHandler;
const APP = 'https://app.example';
const OTHER = 'https://other.example';

type Ours = CorsOptions<HttpFacts>;
/** As much of what `cors` does as our defaults do otherwise. */
const alike = { exposedHeaders: [], foreignOrigins: 'answer' } as const;

const handled: RequestHandler = (_request, response) => {
  response.vary('Accept').send('handled');
};

/** Both behind one server, each on its own path. */
async function serve(peer: unknown, ours: Ours): Promise<string> {
  const app: Express = express();
  app.use('/peer', peerCors(peer), handled);
  const policy = guard<HttpFacts>().use(cors(ours)).use(allowAnonymous());
  app.use('/ours', secure(policy, { onFault: () => {} }), handled);
  app.use(((error, _request, response, _next) => {
    response.status(500).end(String(error));
  }) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Asked {
  readonly origin?: string;
  /** A preflight for this method. */
  readonly preflight?: string;
  readonly headers?: string;
  readonly method?: string;
}

const list = (value: string | null): string =>
  (value ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .toSorted()
    .join(' ');

/** What browsers and caches go by. */
async function seen(url: string, { origin, preflight, headers, method = 'GET' }: Asked) {
  const response = await fetch(url, {
    method: preflight === undefined ? method : 'OPTIONS',
    headers: {
      ...(origin !== undefined && { origin }),
      ...(preflight !== undefined && { 'access-control-request-method': preflight }),
      ...(headers !== undefined && { 'access-control-request-headers': headers }),
    },
  });
  const get = (name: string): string | null => response.headers.get(`access-control-${name}`);
  return {
    status: response.status,
    handled: (await response.text()) === 'handled',
    origin: get('allow-origin'),
    credentials: get('allow-credentials'),
    methods: list(get('allow-methods')),
    headers: list(get('allow-headers')),
    exposed: list(get('expose-headers')),
    maxAge: get('max-age'),
    varies: list(response.headers.get('vary')).split(' ').includes('origin'),
  };
}

const put = { preflight: 'PUT', origin: APP } as const;

describe('as cors does', () => {
  test.each<[string, unknown, Ours, Asked]>([
    ['one origin, called by it', { origin: APP }, { origins: [APP] }, { origin: APP }],
    [
      'a list, called by one of it',
      { origin: [APP, OTHER] },
      { origins: [APP, OTHER] },
      { origin: OTHER },
    ],
    ['a list, called by a stranger', { origin: [APP] }, { origins: [APP] }, { origin: OTHER }],
    [
      'a list, called by the same host in clear',
      { origin: [APP] },
      { origins: [APP] },
      { origin: 'http://app.example' },
    ],
    ['a list, called by null', { origin: [APP] }, { origins: [APP] }, { origin: 'null' }],
    [
      'a pattern that matches',
      { origin: /^https:\/\/\w+\.example$/ },
      { origins: [], originPredicate: (origin) => /^https:\/\/\w+\.example$/.test(origin) },
      { origin: APP },
    ],
    [
      'a pattern that does not',
      { origin: /^https:\/\/x/ },
      { origins: [], originPredicate: (origin) => origin.startsWith('https://x') },
      { origin: APP },
    ],
    [
      'a function that allows',
      {
        origin: (origin: string, done: (error: unknown, allow: boolean) => void) =>
          done(null, origin === APP),
      },
      { origins: [], originPredicate: async (origin) => origin === APP },
      { origin: APP },
    ],
    [
      'credentials',
      { origin: [APP], credentials: true },
      { origins: [APP], credentials: true },
      { origin: APP },
    ],
    [
      'exposed headers',
      { origin: [APP], exposedHeaders: ['X-Total', 'X-Page'] },
      { origins: [APP], exposedHeaders: ['X-Total', 'X-Page'] },
      { origin: APP },
    ],
    [
      'no exposed headers',
      { origin: [APP], exposedHeaders: [] },
      { origins: [APP], exposedHeaders: [] },
      { origin: APP },
    ],
    [
      'a preflight with methods and headers',
      { origin: [APP], methods: ['GET', 'PUT'], allowedHeaders: ['X-Trace', 'Content-Type'] },
      {
        origins: [APP],
        methods: ['GET', 'PUT'],
        allowedHeaders: ['X-Trace', 'Content-Type'],
        maxAge: '0s',
      },
      { ...put, headers: 'x-trace' },
    ],
    [
      'a preflight with credentials',
      { origin: [APP], credentials: true, methods: 'PUT', allowedHeaders: 'X-Trace', maxAge: 600 },
      {
        origins: [APP],
        credentials: true,
        methods: ['PUT'],
        allowedHeaders: ['X-Trace'],
        maxAge: '10m',
      },
      put,
    ],
    [
      'a preflight that is not to be remembered',
      { origin: [APP], methods: 'PUT', allowedHeaders: 'X-Trace', maxAge: 0 },
      { origins: [APP], methods: ['PUT'], allowedHeaders: ['X-Trace'], maxAge: '0s' },
      put,
    ],
  ])('%s', async (name, peer, ours, asked) => {
    const base = await serve(peer, { ...alike, ...ours });
    const theirs = await seen(`${base}/peer`, asked);
    const own = await seen(`${base}/ours`, asked);
    // It says no age unless it is told one.
    const maxAge = name === 'a preflight with methods and headers' ? '0' : theirs.maxAge;
    expect(own).toEqual({ ...theirs, maxAge });
  });
});

describe('otherwise than cors, with the reason', () => {
  test.each<[string, unknown, Ours, Asked, object, object]>([
    [
      'the answer to a stranger is another one than to the origin that a function allows, and caches are told so',
      {
        origin: (_: unknown, done: (error: unknown, allow: boolean) => void) => done(null, false),
      },
      { ...alike, origins: [], originPredicate: async () => false },
      { origin: OTHER },
      { origin: null, handled: true, varies: false },
      { origin: null, handled: true, varies: true },
    ],
    [
      'a function that allows whatever it is asked is not followed',
      {
        origin: (_: unknown, done: (error: unknown, allow: boolean) => void) => done(null, true),
      },
      { origins: [], originPredicate: async () => true },
      { origin: OTHER },
      { origin: OTHER, handled: true },
      { origin: null, status: 500 },
    ],
    [
      'a stranger is denied before the handler runs: what it would have changed stays as it is',
      { origin: [APP] },
      { origins: [APP] },
      { origin: OTHER },
      { status: 200, handled: true, origin: null },
      { status: 403, handled: false, origin: null },
    ],
    [
      'without Origin nothing is allowed, since nobody asked',
      { origin: APP },
      { origins: [APP] },
      {},
      { origin: APP },
      { origin: null, handled: true },
    ],
    [
      'one origin is not told to strangers',
      { origin: APP },
      { ...alike, origins: [APP] },
      { origin: OTHER },
      { origin: APP, handled: true },
      { origin: null, handled: true },
    ],
    [
      'whoever asks is answered with *, which no browser takes together with credentials',
      { origin: true },
      { origins: '*' },
      { origin: OTHER },
      { origin: OTHER, handled: true },
      { origin: '*', handled: true },
    ],
    [
      'origin: false switches it off; here no origin is allowed',
      { origin: false },
      { origins: [] },
      { origin: OTHER },
      { status: 200, handled: true },
      { status: 403, handled: false },
    ],
    [
      'a pattern that is not anchored lets a stranger in; hosts that are none are not asked about',
      { origin: /app\.example/ },
      { origins: [], originPredicate: (origin) => /app\.example/.test(origin) },
      { origin: 'https://app.example{.evil.example' },
      { origin: 'https://app.example{.evil.example', handled: true },
      { origin: null, status: 403 },
    ],
    [
      'headers that a preflight asks for are not allowed because it asks',
      { origin: [APP] },
      { origins: [APP], methods: ['PUT'] },
      { ...put, headers: 'x-anything' },
      { headers: 'x-anything', status: 204 },
      { headers: '', status: 403 },
    ],
    [
      'DELETE, PATCH and PUT are allowed where they are listed',
      { origin: [APP] },
      { origins: [APP] },
      put,
      { methods: 'delete get head patch post put' },
      { methods: '', status: 403 },
    ],
    [
      'a preflight of a stranger is denied',
      { origin: [APP] },
      { origins: [APP], methods: ['PUT'] },
      { ...put, origin: OTHER },
      { status: 204, origin: null },
      { status: 403, origin: null },
    ],
    [
      'preflightContinue: a preflight reaches no handler',
      { origin: [APP], methods: 'PUT', preflightContinue: true },
      { origins: [APP], methods: ['PUT'] },
      put,
      { status: 200, handled: true },
      { status: 204, handled: false },
    ],
    [
      'optionsSuccessStatus: a preflight is answered with 204',
      { origin: [APP], methods: 'PUT', optionsSuccessStatus: 200 },
      { origins: [APP], methods: ['PUT'] },
      put,
      { status: 200 },
      { status: 204 },
    ],
    [
      'OPTIONS that is no preflight reaches its handler',
      { origin: [APP] },
      { origins: [APP] },
      { origin: APP, method: 'OPTIONS' },
      { status: 204, handled: false },
      { status: 200, handled: true },
    ],
    [
      'a rule that fails is denied as a fault, and its message is told to nobody',
      { origin: (_: unknown, done: (error: Error) => void) => done(new Error('db at 10.0.0.7')) },
      {
        origins: [],
        originPredicate: () => {
          throw new Error('db at 10.0.0.7');
        },
      },
      { origin: APP },
      { status: 500, handled: false },
      { status: 500, handled: false, origin: null },
    ],
  ])('%s', async (_name, peer, ours, asked, theirs, own) => {
    const base = await serve(peer, ours);
    expect(await seen(`${base}/peer`, asked)).toMatchObject(theirs);
    expect(await seen(`${base}/ours`, asked)).toMatchObject(own);
  });

  test.each<[string, unknown]>([
    ['any origin with credentials', { origins: '*', credentials: true }],
    ['origin, as cors calls it', { origin: APP }],
    ['origins: true', { origins: true }],
    ['a regular expression in the list', { origins: [/example$/] }],
    ['methods as one text', { origins: [APP], methods: 'GET,PUT' }],
    ['a number of seconds', { origins: [APP], maxAge: 600 }],
    ['optionsSuccessStatus', { origins: [APP], optionsSuccessStatus: 200 }],
    ['preflightContinue', { origins: [APP], preflightContinue: true }],
  ])('is told at start: %s', (_name, options) => {
    expect(() => cors(options as Ours)).toThrow(
      expect.objectContaining({ name: 'ConfigurationError' }),
    );
  });
});
