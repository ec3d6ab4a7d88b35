import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { guard } from '../engine/guard.ts';
import { type HeaderEdit, listObligations } from '../engine/obligations.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type CorsOptions, cors } from './cors.ts';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const ENDPOINT = 'https://api.example.com/orders';

const standard: CorsOptions = {
  origins: [APP, 'http://localhost:5173'],
  methods: ['GET', 'POST', 'PUT', 'PATCH'],
  allowedHeaders: ['Authorization', 'Content-Type', 'DPoP'],
  credentials: true,
  maxAge: '1m',
};

function actual(origin?: string, headers: Record<string, string> = {}): Request {
  return new Request(ENDPOINT, {
    headers: { ...(origin !== undefined && { origin }), ...headers },
  });
}

function preflight(origin: string, method: string, requested?: string): Request {
  return new Request(ENDPOINT, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      ...(requested !== undefined && { 'access-control-request-headers': requested }),
    },
  });
}

/** Code of the denial, or `passed`; and the headers that would go out. */
function ask(request: Request, options: CorsOptions = standard) {
  const policy = cors(options);
  const outcome = policy.check(request, {});
  const edits: HeaderEdit[] = [policy.always, outcome.obligations]
    .flatMap(listObligations)
    .flatMap(({ headers = [] }) => headers);
  const headers = new Headers();
  for (const edit of edits) {
    if (edit.op === 'delete') headers.delete(edit.name);
    else headers[edit.op](edit.name, edit.value);
  }
  return { code: outcome.ok ? 'passed' : outcome.denial.code, headers, outcome };
}

const granted = (headers: Headers): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('an actual call', () => {
  test.each<[string, Request, CorsOptions, string]>([
    ['from a listed origin', actual(APP), standard, 'passed'],
    ['from a second listed origin', actual('http://localhost:5173'), standard, 'passed'],
    ['without an Origin', actual(), standard, 'passed'],
    ['from a stranger', actual(EVIL), standard, 'cors.origin_refused'],
    ['from null', actual('null'), standard, 'cors.origin_refused'],
    [
      'from the listed host on another port',
      actual(`${APP}:8443`),
      standard,
      'cors.origin_refused',
    ],
    [
      'from the listed host without TLS',
      actual('http://app.example.com'),
      standard,
      'cors.origin_refused',
    ],
    [
      'from a host with the listed one in front',
      actual(`${APP}.evil.example`),
      standard,
      'cors.origin_refused',
    ],
    [
      'from a host with the listed one behind',
      actual('https://evilapp.example.com'),
      standard,
      'cors.origin_refused',
    ],
    [
      'from a subdomain of a listed origin',
      actual('https://a.app.example.com'),
      standard,
      'cors.origin_refused',
    ],
    ['from two origins', actual(`${APP}, ${EVIL}`), standard, 'cors.origin_refused'],
    ['from the listed origin with a slash', actual(`${APP}/`), standard, 'cors.origin_refused'],
    [
      'from a stranger that says same-site',
      actual(EVIL, { 'sec-fetch-site': 'same-site' }),
      standard,
      'cors.origin_refused',
    ],
    [
      "of the API's own page",
      actual(EVIL, { 'sec-fetch-site': 'same-origin' }),
      standard,
      'passed',
    ],
    [
      "of the API's own page in an old browser",
      actual('https://api.example.com'),
      { ...standard, self: 'https://api.example.com' },
      'passed',
    ],
    [
      'from the host the URL says',
      actual('https://api.example.com'),
      standard,
      'cors.origin_refused',
    ],
    [
      'OPTIONS from a listed origin that is no preflight',
      new Request(ENDPOINT, { method: 'OPTIONS', headers: { origin: APP } }),
      standard,
      'passed',
    ],
  ])('%s', (_name, request, options, code) => {
    expect(ask(request, options).code).toBe(code);
  });

  test('gets exactly its own origin back, and what it may read', () => {
    const { headers } = ask(actual(APP));
    expect(Object.fromEntries(headers)).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers':
        'www-authenticate, dpop-nonce, ratelimit, ratelimit-policy, retry-after',
      vary: 'Origin',
    });
  });

  test('of the own origin needs no permission and gets none', () => {
    expect(granted(ask(actual(EVIL, { 'sec-fetch-site': 'same-origin' })).headers)).toEqual([]);
  });
});

describe('a preflight', () => {
  test.each<[string, Request, string]>([
    ['for a listed method', preflight(APP, 'PUT'), 'cors.preflight'],
    [
      'for listed headers as browsers write them',
      preflight(APP, 'PUT', 'authorization,content-type'),
      'cors.preflight',
    ],
    [
      'for listed headers in another case, with spaces',
      preflight(APP, 'PUT', 'DPOP , Authorization,,'),
      'cors.preflight',
    ],
    ['from a stranger', preflight(EVIL, 'PUT'), 'cors.origin_refused'],
    ['from null', preflight('null', 'GET'), 'cors.origin_refused'],
    ['for a method that is not listed', preflight(APP, 'DELETE'), 'cors.method_refused'],
    ['for a listed method in lower case', preflight(APP, 'patch'), 'cors.method_refused'],
    ['for every method', preflight(APP, '*'), 'cors.method_refused'],
    [
      'for a header that is not listed',
      preflight(APP, 'PUT', 'authorization,x-debug'),
      'cors.header_refused',
    ],
    ['for every header', preflight(APP, 'PUT', '*'), 'cors.header_refused'],
    [
      'for a header name with a space',
      preflight(APP, 'PUT', 'dpop authorization'),
      'cors.header_refused',
    ],
    [
      'for more headers than anyone has',
      preflight(APP, 'PUT', 'dpop,'.repeat(1000)),
      'cors.header_refused',
    ],
  ])('%s', (_name, request, code) => {
    expect(ask(request).code).toBe(code);
  });

  test('is answered with what is allowed', () => {
    const { headers, outcome } = ask(preflight(APP, 'PUT', 'dpop'));
    expect(Object.fromEntries(headers)).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH',
      'access-control-allow-headers': 'authorization, content-type, dpop',
      'access-control-max-age': '60',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect(outcome).toMatchObject({ ok: false, denial: { answer: { status: 204 } } });
  });

  test('of a private network is answered, but not granted', () => {
    const request = preflight(APP, 'GET');
    request.headers.set('access-control-request-private-network', 'true');
    expect([...ask(request).headers.keys()]).not.toContain('access-control-allow-private-network');
  });
});

test.each<[string, Request]>([
  ['a stranger', actual(EVIL)],
  ['a preflight of a stranger', preflight(EVIL, 'PUT')],
  ['a preflight for a denied method', preflight(APP, 'DELETE')],
  ['a preflight for a denied header', preflight(APP, 'PUT', 'x-debug')],
])('%s is denied with Vary, and without any permission', (_name, request) => {
  const { headers, outcome } = ask(request);
  expect(outcome).toMatchObject({ ok: false, denial: { kind: 'forbidden', answer: undefined } });
  expect(headers.get('vary')).toContain('Origin');
  expect(granted(headers)).toEqual([]);
});

describe('all origins', () => {
  test('get "*", and never credentials', () => {
    const { code, headers } = ask(actual(EVIL), { origins: '*' });
    expect(code).toBe('passed');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  test('still name each header, since "*" would not cover Authorization', () => {
    const { headers } = ask(preflight(EVIL, 'GET', 'authorization'), { origins: '*' });
    expect(headers.get('access-control-allow-headers')).toBe('authorization, content-type, dpop');
  });
});

describe('originPredicate', () => {
  const tenants: CorsOptions = {
    ...standard,
    originPredicate: (origin) => /^https:\/\/[a-z0-9]+\.shop\.example$/.test(origin),
  };

  test('allows what the list does not have, by its own name', () => {
    const { code, headers } = ask(actual('https://acme.shop.example'), tenants);
    expect(code).toBe('passed');
    expect(headers.get('access-control-allow-origin')).toBe('https://acme.shop.example');
    expect(ask(actual(EVIL), tenants).code).toBe('cors.origin_refused');
  });

  test('is never asked about what is no origin, and only true allows', () => {
    const asked: string[] = [];
    const origins: string[] = [];
    const originPredicate = (origin: string) => {
      asked.push(origin);
      return 'yes' as unknown as boolean;
    };
    const options = { origins, originPredicate };
    asked.length = 0;
    for (const origin of ['null', `${APP}, ${EVIL}`, 'HTTPS://APP.example.com', `${APP}:443`]) {
      expect(ask(actual(origin), options).code).toBe('cors.origin_refused');
    }
    expect(asked.filter((origin) => !origin.endsWith('.invalid'))).toEqual([]);
    expect(ask(actual(APP), options).code).toBe('cors.origin_refused');
    expect(asked).toContain(APP);
  });

  test.each([
    'https://evil.example{.example.com',
    'https://evil.example`.example.com',
    'https://evil.example}.example.com',
    "https://evil.example'.example.com",
    'https://evil.example$.example.com',
    'https://evil.example!.example.com',
    'https://evil.example~.example.com',
    'https://evil.example,.example.com',
    'https://-evil.example.com',
    'https://evil..example.com',
  ])('is not asked about %s, a host that no host name is', (origin) => {
    const loose = { origins: [], originPredicate: (each: string) => each.endsWith('.example.com') };
    expect(ask(actual(origin), loose).code).toBe('cors.origin_refused');
  });

  test.each([
    'https://app.example.com',
    'https://my_app.example.com',
    'https://xn--bcher-kva.example.com',
    'http://a.b.example.com:8080',
  ])('is asked about %s', (origin) => {
    const loose = {
      origins: [],
      originPredicate: (each: string) => new URL(each).hostname.endsWith('.example.com'),
    };
    expect(ask(actual(origin), loose).code).toBe('passed');
  });
});

test('no origin outside the list is ever reflected', () => {
  const { origins } = standard;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl(),
        fc.string(),
        fc.stringMatching(/^https?:\/\/[!-~]{0,20}app\.example\.com[!-~]{0,20}$/),
      ),
      (value) => {
        let request: Request;
        try {
          request = actual(value);
        } catch {
          return; // not even a header
        }
        const origin = request.headers.get('origin') ?? '';
        const allowed = ask(request).headers.get('access-control-allow-origin');
        expect(allowed).toBe(origins.includes(origin) ? origin : null);
      },
    ),
  );
});

test('a denial behind cors can be read by the script, and a preflight needs no credentials', async () => {
  const admission = guard()
    .use(cors(standard))
    .use({
      name: 'closed',
      role: 'check',
      check: () => ({ ok: false, denial: { kind: 'unauthenticated', code: 'token.missing' } }),
    })
    .use(allowAnonymous());
  const serve = protect(admission, () => new Response('ok'));
  const denied = await serve(actual(APP));
  expect(denied.status).toBe(401);
  expect(denied.headers.get('access-control-allow-origin')).toBe(APP);
  const answered = await serve(preflight(APP, 'PUT', 'dpop'));
  expect(answered.status).toBe(204);
  expect(await answered.text()).toBe('');
  expect((await serve(preflight(EVIL, 'PUT'))).status).toBe(403);
});

describe('configuration', () => {
  test.each<[string, CorsOptions]>([
    ['a default port', { origins: ['https://app.example.com:443'] }],
    ['a host in upper case', { origins: ['https://APP.example.com'] }],
  ])('%s is brought into the form that browsers send', (_name, options) => {
    expect(ask(actual(APP), options).code).toBe('passed');
  });

  test('an app of another scheme is compared as it is written', () => {
    const options = { origins: ['capacitor://localhost'] };
    expect(ask(actual('capacitor://localhost'), options).code).toBe('passed');
    expect(ask(actual('capacitor://localhost2'), options).code).toBe('cors.origin_refused');
  });

  test.each<[string, unknown]>([
    ['all origins with credentials', { origins: '*', credentials: true }],
    ['"*" in the list', { origins: ['*'] }],
    ['a wildcard host', { origins: ['https://*.example.com'] }],
    ['origins: true', { origins: true }],
    ['one origin that is no list', { origins: APP }],
    ['no origins', {}],
    ['null', { origins: ['null'] }],
    ['a path', { origins: [`${APP}/`] }],
    ['a query', { origins: [`${APP}?a=b`] }],
    ['a user name', { origins: ['https://me@app.example.com'] }],
    ['a bare host', { origins: ['app.example.com'] }],
    ['a pattern', { origins: [/example/] }],
    ['a line break', { origins: [`${APP}\r\nx: y`] }],
    ['a rule that allows everything', { origins: [], originPredicate: () => true }],
    ['a rule that is no function', { origins: [], originPredicate: true }],
    ['a self that is no origin', { origins: [APP], self: 'https://api.example.com/v1' }],
    ['every method', { origins: [APP], methods: ['*'] }],
    ['a method in the case that browsers do not send', { origins: [APP], methods: ['put'] }],
    ['a forbidden method', { origins: [APP], methods: ['TRACE'] }],
    ['a method with a line break', { origins: [APP], methods: ['GET\n'] }],
    ['every header', { origins: [APP], allowedHeaders: ['*'] }],
    ['every header to be read', { origins: [APP], exposedHeaders: ['*'] }],
    ['a header name with a comma', { origins: [APP], exposedHeaders: ['a, b'] }],
    ['a negative maxAge', { origins: [APP], maxAge: '-1s' }],
    ['a maxAge without its unit', { origins: [APP], maxAge: 600 }],
    ['an option that it does not know', { origins: [APP], allowHeaders: ['x-a'] }],
    ['an async rule', { origins: [], originPredicate: async () => true }],
    [
      'an async rule that rejects',
      { origins: [], originPredicate: () => Promise.reject(new Error('no')) },
    ],
    ['credentials that are no boolean', { origins: [APP], credentials: 'yes' }],
  ])('does not construct with %s', (_name, options) => {
    expect(() => cors(options as CorsOptions)).toThrow(ConfigurationError);
  });
});

const vectors = join(VECTORS, 'cors/wpt-not-cors-safelisted.json');

describe.skipIf(!existsSync(vectors))('published vectors (web-platform-tests)', () => {
  const cases = existsSync(vectors)
    ? (JSON.parse(readFileSync(vectors, 'utf8')) as [string, string][])
    : [];
  test.each([...new Set(cases.map(([name]) => name))])(
    'the header %s is denied unless it is listed',
    (name) => {
      const options = { origins: [APP], allowedHeaders: [] };
      expect(ask(preflight(APP, 'GET', name), options).code).toBe('cors.header_refused');
      const listed = { origins: [APP], allowedHeaders: [name] };
      expect(ask(preflight(APP, 'GET', name), listed).code).toBe('cors.preflight');
    },
  );
});
