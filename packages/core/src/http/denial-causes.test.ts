import { describe, expect, test } from 'vitest';
import { describeCause } from '../audit/describe-cause.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import type { Denial } from '../engine/denial.ts';
import type { Outcome } from '../engine/outcome.ts';
import { denialResponse } from '../host/denial-response.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { cors } from './cors.ts';
import { crossOrigin } from './cross-origin.ts';
import { denyMethodOverride } from './deny-method-override.ts';
import { limitBody } from './limit-body.ts';
import { limitNegotiation } from './limit-negotiation.ts';
import { requireCanonicalPath } from './require-canonical-path.ts';

const call = { protocol: 'http', operation: 'POST /orders' } as const;
const peer = { address: '192.0.2.1', id: '192.0.2.1' };
const url = 'https://api.example.com/orders';

function request(headers: Readonly<Record<string, string>>, method = 'POST', path = '/orders') {
  const fields = new Map(Object.entries(headers));
  return {
    method,
    url: path,
    hasBody: method === 'POST',
    headers: { get: (name: string) => fields.get(name), has: (name: string) => fields.has(name) },
  };
}

function denialOf(outcome: Outcome<object>): Denial {
  if (outcome.ok) throw new Error('passed');
  return outcome.denial;
}

/** Denies a body by its bytes, with bounds that are easily passed. */
function bodyDenied(type: string, body: string): Denial {
  const bounds = { maxDepth: 2, maxKeys: 3, maxStringLength: 9, maxArrayLength: 3, maxParts: 1 };
  const policy = limitBody({ maxBytes: 400, maxFiles: 0, ...bounds });
  const rawBody = new TextEncoder().encode(body);
  return denialOf(policy.check(request({ 'content-type': type }), { call, peer, rawBody }));
}
const json = (body: string): Denial => bodyDenied('application/json', body);
const part = (disposition: string): string =>
  `--x\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n1\r\n`;
const parts = (body: string): Denial => bodyDenied('multipart/form-data; boundary=x', body);

/** A header of the caller, with what a terminal would run and more than anybody wants to read. */
const HOSTILE = `https://evil.example\u001b[2J\r\n{"level":"info"}\u2028${'x'.repeat(5_000)}`;

describe('operators are told why', () => {
  test.each<[string, () => Denial, Denial['code'], unknown]>([
    ['a body is too large', () => json(' '.repeat(401)), 'body.too_large', { maxBytes: 400 }],
    [
      'a body is announced as too large',
      () => denialOf(limitBody().check(request({ 'content-length': '2000000' }), { call, peer })),
      'body.too_large',
      { maxBytes: 1_048_576, given: 2_000_000 },
    ],
    ['a body is too deep', () => json('[[[1]]]'), 'body.too_deep', { maxDepth: 2 }],
    [
      'a body has too many members',
      () => json('{"a":1,"b":1,"c":1,"d":1}'),
      'body.too_many_keys',
      { maxKeys: 3 },
    ],
    [
      'a form has too many fields',
      () => bodyDenied('application/x-www-form-urlencoded', 'a=1&b=1&c=1&d=1'),
      'body.too_many_keys',
      { maxKeys: 3 },
    ],
    [
      'a text in a body is too long',
      () => json('["0123456789"]'),
      'body.string_too_long',
      { maxStringLength: 9 },
    ],
    [
      'a list in a body is too long',
      () => json('[1,2,3,4]'),
      'body.array_too_long',
      { maxArrayLength: 3 },
    ],
    [
      'a body has too many parts',
      () => parts(`${part('name="a"')}${part('name="b"')}--x--\r\n`),
      'body.too_many_parts',
      { maxParts: 1 },
    ],
    [
      'a body has too many files',
      () => parts(`${part('name="a"; filename="a"')}--x--\r\n`),
      'body.too_many_files',
      { maxFiles: 0 },
    ],
    ['a body cannot be read', () => json('{'), 'body.malformed', { readAs: 'application/json' }],
    [
      'a member of a body is there twice',
      () => json('{"a":1,"a":1}'),
      'body.duplicate_key',
      { readAs: 'application/json' },
    ],
    [
      'a media type cannot be read',
      () => bodyDenied('json\u0000', '{}'),
      'body.malformed',
      { contentType: 'json?' },
    ],
    [
      'a body is not in UTF-8',
      () => bodyDenied('application/json; charset=latin1', '{}'),
      'body.charset_not_allowed',
      { contentType: 'application/json; charset=latin1' },
    ],
    [
      'a body has a coding',
      () =>
        denialOf(
          limitBody({ codings: ['br'] }).check(request({ 'content-encoding': 'gzip' }), {
            call,
            peer,
          }),
        ),
      'body.coding_not_allowed',
      { allowed: ['br'], given: 'gzip' },
    ],
    [
      'a parsed message is too deep',
      () => {
        const outcome = limitBody({ maxDepth: 1 }).check(request({}), {
          call: { protocol: 'grpc', operation: 'a/b' },
          peer,
        });
        const denied = outcome.ok && [outcome.obligations ?? []].flat()[0]?.onMessage?.([[1]]);
        if (!denied || !('denial' in denied)) throw new Error('passed');
        return denied.denial;
      },
      'body.too_deep',
      { maxDepth: 1 },
    ],
    ...[
      ['/a\\b', 'a character or an escape that no path has'],
      ['/a/../b', 'a dot segment'],
      ['/a%2Fb', "an encoded slash: allow: ['encoded-slash']"],
      ['/a;b', "a semicolon: allow: ['semicolon']"],
      ['//a', "an empty segment: allow: ['empty-segment']"],
      ['/%ff', 'an escape that is not UTF-8, or that is encoded twice'],
      ['/%2561', 'an escape that is not UTF-8, or that is encoded twice'],
    ].map<[string, () => Denial, Denial['code'], unknown]>(([path = '', cause]) => [
      `the path ${path} is ambiguous`,
      () => denialOf(requireCanonicalPath().check(request({}, 'GET', path), {})),
      'call.path_ambiguous',
      cause,
    ]),
    ...['x-http-method-override', 'x-http-method', 'x-method-override'].map<
      [string, () => Denial, Denial['code'], unknown]
    >((header) => [
      `a call has ${header}`,
      () => denialOf(denyMethodOverride().check(request({ [header]: 'DELETE' }), {})),
      'call.method_override',
      { header },
    ]),
    [
      'a query has _method',
      () => denialOf(denyMethodOverride().check(request({}, 'POST', '/a?_method=PUT'), {})),
      'call.method_override',
      { query: '_method' },
    ],
    [
      'a form has _method',
      () => {
        const form = { 'content-type': 'application/x-www-form-urlencoded' };
        const outcome = denyMethodOverride({ inForms: true }).check(request(form), {});
        const denied =
          outcome.ok && [outcome.obligations ?? []].flat()[0]?.onMessage?.({ _method: 'PUT' });
        if (!denied || !('denial' in denied)) throw new Error('passed');
        return denied.denial;
      },
      'call.method_override',
      { form: '_method' },
    ],
    ...Object.entries({
      range: { maxRanges: 1 },
      accept: { maxChoices: 2 },
      'accept-encoding': { maxChoices: 2 },
      'accept-language': { maxChoices: 2 },
      'accept-charset': { maxChoices: 2 },
      'if-match': { maxTags: 3 },
      'if-none-match': { maxTags: 3 },
    }).map<[string, () => Denial, Denial['code'], unknown]>(([header, bound]) => [
      `${header} is too long`,
      () =>
        denialOf(
          limitNegotiation({ maxRanges: 1, maxChoices: 2, maxTags: 3 }).check(
            request({ [header]: 'a,b,c,d' }),
            {},
          ),
        ),
      'call.negotiation_too_large',
      { header, ...bound },
    ]),
    [
      'nobody is identified',
      () => denialOf(allowAuthenticated().check(request({}), {} as never)),
      'principal.missing',
      'no policy in front has identified the caller: add one like authenticateJwt',
    ],
    [
      'a host is not in the list',
      () =>
        denialOf(
          allowedHosts({ hosts: ['api.example.com', '*.shop.example'] }).check(
            request({ host: 'API.example.com:8080' }),
            { call, peer },
          ),
        ),
      'host.not_allowed',
      { allowed: ['api.example.com', '*.shop.example'], given: 'api.example.com:8080' },
    ],
    [
      'a host is malformed',
      () =>
        denialOf(
          allowedHosts({ hosts: ['api.example.com'] }).check(request({ host: 'a b' }), {
            call,
            peer,
          }),
        ),
      'host.malformed',
      { given: 'a b' },
    ],
    [
      'a page may not read the answer',
      () =>
        denialOf(
          cors({ origins: ['https://app.example.com'] }).check(
            request({ origin: 'https://app.example.com:8443' }),
            {},
          ),
        ),
      'cors.origin_refused',
      { allowed: ['https://app.example.com'], given: 'https://app.example.com:8443' },
    ],
    [
      'a page may not ask',
      () =>
        denialOf(
          cors({ origins: ['https://app.example.com'] }).check(
            request(
              { origin: 'http://app.example.com', 'access-control-request-method': 'PUT' },
              'OPTIONS',
            ),
            {},
          ),
        ),
      'cors.origin_refused',
      { allowed: ['https://app.example.com'], given: 'http://app.example.com' },
    ],
    [
      'a page may not use a method',
      () =>
        denialOf(
          cors({ origins: '*', methods: ['GET', 'PUT'] }).check(
            request(
              { origin: 'http://app.example.com', 'access-control-request-method': 'PATCH' },
              'OPTIONS',
            ),
            {},
          ),
        ),
      'cors.method_refused',
      { allowed: ['GET', 'PUT'], given: 'PATCH' },
    ],
    [
      'a page may not send a header',
      () =>
        denialOf(
          cors({ origins: '*', allowedHeaders: ['content-type'] }).check(
            request(
              {
                origin: 'http://app.example.com',
                'access-control-request-method': 'GET',
                'access-control-request-headers': 'content-type, x-trace',
              },
              'OPTIONS',
            ),
            {},
          ),
        ),
      'cors.header_refused',
      { allowed: ['content-type'], given: 'content-type, x-trace' },
    ],
    [
      'a call comes from another site',
      () =>
        denialOf(
          crossOrigin({ self: 'https://shop.example.com' }).check(
            request({ origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }),
            {},
          ),
        ),
      'csrf.cross_origin',
      {
        allowed: ['https://shop.example.com'],
        given: { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' },
      },
    ],
  ])('%s', async (_, deny, code, cause) => {
    const denial = deny();
    expect(denial.code).toBe(code);
    expect(denial.cause).toEqual(cause);
    // None of it reaches the caller.
    const [said, without] = [
      denialResponse(denial),
      denialResponse({ ...denial, cause: undefined }),
    ];
    expect([...said.headers]).toEqual([...without.headers]);
    expect(await said.text()).toBe(await without.text());
  });
});

describe('text from request headers stays on one short line', () => {
  test.each<[string, () => Denial]>([
    [
      'Origin, at cors',
      () => denialOf(cors({ origins: [url.slice(0, 23)] }).check(request({ origin: HOSTILE }), {})),
    ],
    [
      'Origin, at crossOrigin',
      () => denialOf(crossOrigin().check(request({ origin: HOSTILE }), {})),
    ],
    [
      'Sec-Fetch-Site',
      () =>
        denialOf(
          crossOrigin().check(request({ origin: 'https://a.b', 'sec-fetch-site': HOSTILE }), {}),
        ),
    ],
    [
      'Access-Control-Request-Method',
      () =>
        denialOf(
          cors({ origins: '*' }).check(
            request({ origin: 'https://a.b', 'access-control-request-method': HOSTILE }, 'OPTIONS'),
            {},
          ),
        ),
    ],
    [
      'Access-Control-Request-Headers',
      () =>
        denialOf(
          cors({ origins: '*' }).check(
            request(
              {
                origin: 'https://a.b',
                'access-control-request-method': 'GET',
                'access-control-request-headers': HOSTILE,
              },
              'OPTIONS',
            ),
            {},
          ),
        ),
    ],
    [
      'Host',
      () =>
        denialOf(
          allowedHosts({ hosts: ['api.example.com'] }).check(request({ host: HOSTILE }), {
            call,
            peer,
          }),
        ),
    ],
    [
      'Content-Encoding',
      () => denialOf(limitBody().check(request({ 'content-encoding': HOSTILE }), { call, peer })),
    ],
    [
      'Content-Type',
      () => denialOf(limitBody().check(request({ 'content-type': HOSTILE }), { call, peer })),
    ],
  ])('%s', (_, deny) => {
    const shown = describeCause(deny().cause) ?? '';
    expect(shown).toContain('evil.example');
    expect(shown).toMatch(/^[ -~]{1,600}$/);
  });
});
