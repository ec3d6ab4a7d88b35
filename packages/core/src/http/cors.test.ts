import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { VECTORS } from '../../test/vectors.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { guard } from '../engine/guard.ts';
import { type HeaderEdit, listObligations } from '../engine/obligations.ts';
import type { NoFacts, Outcome } from '../engine/outcome.ts';
import type { Policy } from '../engine/policy.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { cors } from './cors.ts';
import type { CorsOptions } from './cors-options.ts';
import { subdomainsOf } from './subdomains-of.ts';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const ENDPOINT = 'https://api.example.com/orders';

const standard = {
  origins: [APP, 'http://localhost:5173'],
  methods: ['GET', 'POST', 'PUT', 'PATCH'],
  allowedHeaders: ['Authorization', 'Content-Type', 'DPoP'],
  credentials: true,
  maxAge: '1m',
} satisfies CorsOptions<NoFacts, boolean>;

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
function ask(request: Request, options: CorsOptions<NoFacts, boolean> = standard) {
  const policy = cors(options);
  return told(policy, policy.check(request, {}));
}

function told(policy: Pick<Policy<never, object, 'check'>, 'always'>, outcome: Outcome) {
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
  test.each<[string, Request, CorsOptions<NoFacts, boolean>, string]>([
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
      'OPTIONS from a listed origin that is not a preflight',
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

  test('get it whether a call says its origin or not, so that caches may give it to anyone', () => {
    for (const request of [actual(), actual(EVIL), actual('null')]) {
      const { code, headers } = ask(request, { origins: '*' });
      expect(code).toBe('passed');
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-expose-headers')).toContain('retry-after');
    }
  });

  test('still name each header, since "*" would not cover Authorization', () => {
    const { headers } = ask(preflight(EVIL, 'GET', 'authorization'), { origins: '*' });
    expect(headers.get('access-control-allow-headers')).toBe('authorization, content-type, dpop');
  });
});

describe('originPredicate', () => {
  const tenants = {
    ...standard,
    originPredicate: (origin: string) => /^https:\/\/[a-z0-9]+\.shop\.example$/.test(origin),
  };

  test('allows what the list does not have, by its own name', () => {
    const { code, headers } = ask(actual('https://acme.shop.example'), tenants);
    expect(code).toBe('passed');
    expect(headers.get('access-control-allow-origin')).toBe('https://acme.shop.example');
    expect(ask(actual(EVIL), tenants).code).toBe('cors.origin_refused');
  });

  test('is never asked about what is not an origin, and only true allows', () => {
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

// Covers: API8:2023, V3.4.2
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
  test.each<[string, CorsOptions<NoFacts, boolean>]>([
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
    ['a wildcard in the middle of a host', { origins: ['https://app.*.example.com'] }],
    ['a wildcard that is part of a label', { origins: ['https://app-*.example.com'] }],
    ['a wildcard scheme', { origins: ['*://app.example.com'] }],
    ['a wildcard port', { origins: ['https://app.example.com:*'] }],
    ['a wildcard of every host', { origins: ['https://*'] }],
    ['a wildcard of subdomains', { origins: ['https://*.example.com'] }],
    ['a wildcard of extensions', { origins: ['chrome-extension://*'] }],
    ['files', { origins: ['file://host'] }],
    ['a scheme that has no origins', { origins: ['javascript://app'] }],
    ['two origins in one', { origins: ['https://a.example;'] }],
    ['a host with an empty label', { origins: ['https://app..example.com'] }],
    ['a host that no name looks like', { origins: ['https://app{.example.com'] }],
    ['a host with a comma', { origins: ['https://app.example.com,b.example.com'] }],
    ['all origins with a private network', { origins: '*', privateNetwork: true }],
    ['a privateNetwork that is not a boolean', { origins: [APP], privateNetwork: 'yes' }],
    ['foreign origins left to chance', { origins: [APP], foreignOrigins: 'maybe' }],
    ['origins: true', { origins: true }],
    ['one origin that is not a list', { origins: APP }],
    ['no origins', {}],
    ['null', { origins: ['null'] }],
    ['a path', { origins: [`${APP}/`] }],
    ['a query', { origins: [`${APP}?a=b`] }],
    ['a user name', { origins: ['https://me@app.example.com'] }],
    ['a bare host', { origins: ['app.example.com'] }],
    ['a pattern', { origins: [/example/] }],
    ['a line break', { origins: [`${APP}\r\nx: y`] }],
    ['a rule that allows everything', { origins: [], originPredicate: () => true }],
    ['a rule that is not a function', { origins: [], originPredicate: true }],
    ['a self that is not an origin', { origins: [APP], self: 'https://api.example.com/v1' }],
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
    ['credentials that are not a boolean', { origins: [APP], credentials: 'yes' }],
  ])('cannot be constructed with %s', (_name, options) => {
    expect(() => cors(options as CorsOptions)).toThrow(ConfigurationError);
  });
});

describe('subdomainsOf', () => {
  const below = {
    origins: [subdomainsOf('https://example.com'), subdomainsOf('http://localhost:3000')],
  };

  test.each([
    'https://app.example.com',
    'https://a.b.c.example.com',
    'https://my_app.example.com',
    'https://xn--bcher-kva.example.com',
    'http://shop.localhost:3000',
  ])('covers %s, which gets its own name back', (origin) => {
    const { code, headers } = ask(actual(origin), { ...below, credentials: true });
    expect(code).toBe('passed');
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(ask(preflight(origin, 'GET', 'dpop'), below).code).toBe('cors.preflight');
  });

  test.each([
    'https://example.com',
    'https://.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://evilexample.com',
    'https://evil-example.com',
    'https://app.example.com.',
    'https://app..example.com',
    'https://-app.example.com',
    'https://app-.example.com',
    'https://APP.example.com',
    'https://evil.example/.example.com',
    'https://evil.example?.example.com',
    'https://evil.example#.example.com',
    'https://evil.example:443.example.com',
    'https://user@app.example.com',
    'https://evil.example\\.example.com',
    'https://evil.example%2f.example.com',
    'https://evil.example`.example.com',
    'https://evil.example, https://app.example.com',
    'https://*.example.com',
    `https://${'a'.repeat(64)}.example.com`,
    `https://${'a.'.repeat(130)}example.com`,
    'http://shop.localhost',
    'null',
  ])('does not cover %s', (origin) => {
    const { code, headers } = ask(actual(origin), below);
    expect(code).toBe('cors.origin_refused');
    expect(granted(headers)).toEqual([]);
  });

  test('is brought into the form that browsers send', () => {
    const options = { origins: [subdomainsOf('https://Bücher.example:443')] };
    expect(ask(actual('https://a.xn--bcher-kva.example'), options).code).toBe('passed');
  });

  test('is named in what operators read of a denial', () => {
    const outcome = cors(below).check(actual('https://evil.example'), {});
    expect(outcome).toMatchObject({
      denial: { cause: { allowed: ['https://*.example.com', 'http://*.localhost:3000'] } },
    });
  });

  test.each([
    ['a wildcard', 'https://*.example.com'],
    ['a path', 'https://example.com/'],
    ['a user', 'https://example.com@evil.example'],
    ['every host', 'https://'],
    ['a top-level domain', 'https://com'],
    ['a registry', 'https://co.uk'],
    ['a registry in capitals', 'https://CO.UK'],
    ['a host for everybody', 'https://vercel.app'],
    ['a region of such a host', 'https://eastus.cloudapp.azure.com'],
    ['a service of such a host', 'https://execute-api.eu-west-1.amazonaws.com'],
    ['storage of such a host', 'https://z13.web.core.windows.net'],
    ['the end of an address', 'http://0.0.1'],
    ['an IPv6 address', 'http://[::1]'],
    ['a dot at its end', 'https://example.com.'],
    ['another scheme', 'capacitor://example.com'],
    ['nothing', undefined],
  ])('cannot be constructed with %s', (_name, parent) => {
    expect(() => subdomainsOf(parent as string)).toThrow(ConfigurationError);
  });

  test('answers in linear time whatever comes', () => {
    const origin = `https://${'a-'.repeat(50_000)}.example.com`;
    let code: string | undefined;
    const check = () => {
      code = ask(actual(origin), below).code;
    };
    expect(cpuMs(check)).toBeLessThan(500);
    expect(code).toBe('cors.origin_refused');
  });
});

describe('origins of extensions and apps', () => {
  test.each([
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc',
    'safari-web-extension://1A2B3C4D-0000-4444-8888-ABCDEFABCDEF',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://obsidian.md',
    'vscode-webview://1k7j2h',
  ])('%s is compared as it is written', (origin) => {
    expect(ask(actual(origin), { origins: [origin] }).code).toBe('passed');
    for (const other of [origin.toUpperCase(), `${origin}x`, `${origin}/`, `x${origin}`]) {
      expect(ask(actual(other), { origins: [origin] }).code).toBe('cors.origin_refused');
    }
  });
});

describe('a rule that answers later', () => {
  interface Tenant {
    readonly tenant: { readonly origins: readonly string[] };
  }
  const policy = cors({
    origins: [APP],
    originPredicate: async (origin, { tenant }: Tenant) => tenant.origins.includes(origin),
  });
  const tenant = { origins: ['https://acme.example'] };

  test.each<[string, Request, string]>([
    ['allows what it loads', actual('https://acme.example'), 'passed'],
    ['answers the preflight', preflight('https://acme.example', 'POST'), 'cors.preflight'],
    ['denies the rest', actual(EVIL), 'cors.origin_refused'],
    ['is not asked about the list', actual(APP), 'passed'],
    ['is not asked about null', actual('null'), 'cors.origin_refused'],
  ])('%s', async (_name, request, code) => {
    const outcome = await policy.check(request, { tenant });
    expect(told(policy, outcome).code).toBe(code);
    expect(told(policy, outcome).headers.get('vary')).toContain('Origin');
  });

  test('answers at once where it need not be asked', () => {
    expect(policy.check(actual(APP), { tenant })).toMatchObject({ ok: true });
    expect(policy.check(actual(), { tenant })).toMatchObject({ ok: true });
  });

  test.each<[string, unknown]>([
    ['1', 1],
    ['"true"', 'true'],
    ['an object', {}],
    ['nothing', undefined],
  ])('allows with true alone, not with %s', async (_name, answer) => {
    const odd = cors({ origins: [], originPredicate: async () => answer as boolean });
    const outcome = await odd.check(actual(APP), {});
    expect(told(odd, outcome).code).toBe('cors.origin_refused');
  });

  test('that fails denies, and that allows everyone is not followed', async () => {
    const failing = cors({
      origins: [],
      originPredicate: () => Promise.reject(new Error('database')),
    });
    await expect(Promise.resolve(failing.check(actual(APP), {}))).rejects.toThrow('database');
    const open = cors({ origins: [], originPredicate: async () => true });
    await Promise.resolve();
    const outcome = await open.check(actual(APP), {});
    expect(told(open, outcome).code).toBe('cors.rule_open');
    expect(granted(told(open, outcome).headers)).toEqual([]);
  });
});

describe('foreign origins that are answered', () => {
  const answering = { ...standard, foreignOrigins: 'answer' } as const;

  test.each<[string, Request, string]>([
    ['a stranger gets the answer without permission', actual(EVIL), 'passed'],
    ['null does too', actual('null'), 'passed'],
    ['a preflight is denied all the same', preflight(EVIL, 'PUT'), 'cors.origin_refused'],
    ['a listed origin has its permission', actual(APP), 'passed'],
  ])('%s', (_name, request, code) => {
    const asked = ask(request, answering);
    expect(asked.code).toBe(code);
    expect(asked.headers.get('vary')).toContain('Origin');
    expect(granted(asked.headers).length > 0).toBe(request.headers.get('origin') === APP);
  });
});

describe('a private network', () => {
  const inward = (origin: string): Request => {
    const request = preflight(origin, 'GET');
    request.headers.set('access-control-request-private-network', 'true');
    return request;
  };
  const options = { ...standard, privateNetwork: true };

  test('is granted to listed origins that ask for it, and only where that is said', () => {
    const { headers } = ask(inward(APP), options);
    expect(headers.get('access-control-allow-private-network')).toBe('true');
    expect(headers.get('vary')).toContain('Access-Control-Request-Private-Network');
    expect(
      ask(preflight(APP, 'GET'), options).headers.has('access-control-allow-private-network'),
    ).toBe(false);
    expect(ask(preflight(APP, 'GET'), options).headers.get('vary')).toContain('Private-Network');
    expect(granted(ask(inward(EVIL), options).headers)).toEqual([]);
  });
});

/** What users of the `cors` package of npm rely on, by its own cases; the options are written as here. */
describe('as the cors package', () => {
  const GET = (origin = APP) => actual(origin);
  const OPTIONS = (method = 'GET', headers?: string) => preflight(APP, method, headers);
  test.each<
    [string, CorsOptions<NoFacts, boolean>, Request, string, Record<string, string | null>]
  >([
    [
      'every origin is *, and an actual answer names no methods',
      { origins: '*' },
      GET(),
      'passed',
      { 'access-control-allow-origin': '*', 'access-control-allow-methods': null },
    ],
    [
      'a preflight is answered without the handler',
      { origins: '*', methods: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'] },
      OPTIONS('DELETE'),
      'cors.preflight',
      { 'access-control-allow-methods': 'GET, HEAD, PUT, PATCH, POST, DELETE' },
    ],
    [
      'everything can be set',
      {
        origins: [APP],
        methods: ['FOO', 'bar'],
        allowedHeaders: ['FIZZ', 'buzz'],
        credentials: true,
        maxAge: '123s',
      },
      OPTIONS('FOO', 'fizz'),
      'cors.preflight',
      {
        'access-control-allow-origin': APP,
        'access-control-allow-methods': 'FOO, bar',
        'access-control-allow-headers': 'fizz, buzz',
        'access-control-allow-credentials': 'true',
        'access-control-max-age': '123',
      },
    ],
    [
      'a rule allows an origin by its name, with Vary',
      { origins: [], originPredicate: (origin) => origin === APP },
      GET(),
      'passed',
      { 'access-control-allow-origin': APP, vary: 'Origin' },
    ],
    [
      'a rule that says no leaves no header but Vary',
      { origins: [], originPredicate: () => false },
      GET(),
      'cors.origin_refused',
      {
        'access-control-allow-origin': null,
        'access-control-allow-methods': null,
        'access-control-allow-headers': null,
        'access-control-allow-credentials': null,
        'access-control-max-age': null,
        vary: 'Origin',
      },
    ],
    [
      'no origins switch it off',
      { origins: [], foreignOrigins: 'answer' },
      GET(),
      'passed',
      { 'access-control-allow-origin': null },
    ],
    [
      'an empty list of allowed headers leaves the header out',
      { origins: [APP], allowedHeaders: [] },
      OPTIONS(),
      'cors.preflight',
      { 'access-control-allow-headers': null },
    ],
    [
      'credentials are said on an actual answer too',
      { origins: [APP], credentials: true },
      GET(),
      'passed',
      { 'access-control-allow-credentials': 'true' },
    ],
    [
      'no credentials leave the header out',
      { origins: [APP] },
      GET(),
      'passed',
      { 'access-control-allow-credentials': null },
    ],
    [
      'exposed headers are said on an actual answer',
      { origins: [APP], exposedHeaders: ['custom-header1', 'custom-header2'] },
      GET(),
      'passed',
      { 'access-control-expose-headers': 'custom-header1, custom-header2' },
    ],
    [
      'no exposed headers leave the header out',
      { origins: [APP], exposedHeaders: [] },
      GET(),
      'passed',
      { 'access-control-expose-headers': null },
    ],
    [
      'a maxAge of nothing is said',
      { origins: [APP], maxAge: '0s' },
      OPTIONS(),
      'cors.preflight',
      { 'access-control-max-age': '0' },
    ],
    [
      'an actual answer has no maxAge',
      { origins: [APP], maxAge: '456s' },
      GET(),
      'passed',
      { 'access-control-max-age': null },
    ],
    ['Vary is there without Origin', { origins: [APP] }, actual(), 'passed', { vary: 'Origin' }],
  ])('%s', (_name, options, request, code, headers) => {
    const asked = ask(request, options);
    expect(asked.code).toBe(code);
    for (const [name, value] of Object.entries(headers)) {
      expect(asked.headers.get(name)).toBe(value);
    }
  });

  test('options are not changed, and frozen ones do', () => {
    expect(() => cors(Object.freeze({ origins: Object.freeze([APP]) }))).not.toThrow();
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
