import {
  type Admission,
  allowAnonymous,
  allowedContentTypes,
  allowedHosts,
  apiVersion,
  type CallFacts,
  denyMethodOverride,
  type Guard,
  limitBody,
  limitNegotiation,
  requireCanonicalPath,
  requireCsrfToken,
  requireHttps,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import type { Case, Expectation } from './case.ts';
import { CASE_HEADER } from './limit-policies.ts';
import type { Running } from './suite.ts';

/** The host that the operation `named` answers for. */
const HOST = 'api.example.test';
/** Bytes that the operation `bounded` takes. */
const LARGEST = 1_000;
const HTTPS_ORIGIN = 'https://api.example.test';

/** A route with a parameter, as all frameworks of the suite write it. */
const CANONICAL = 'canonical/:id';
const PREFIXED = 'shop/:version';

type Surface = Guard<CallFacts, CallFacts, 'check'>;

/** Guards of what only HTTP has, each with one policy that is about the request itself. */
export function requestGuards(surface: Surface): Record<string, Admission<CallFacts, object>> {
  return {
    encrypted: surface.use(requireHttps()).use(allowAnonymous()),
    redirected: surface.use(requireHttps({ redirectTo: HTTPS_ORIGIN })).use(allowAnonymous()),
    named: surface.use(allowedHosts({ hosts: [HOST] })).use(allowAnonymous()),
    bounded: surface
      .use(limitBody({ maxBytes: LARGEST, maxDepth: 3, maxArrayLength: 5 }))
      .use(allowAnonymous()),
    versioned: surface
      .use(
        apiVersion({
          from: { header: 'api-version' },
          versions: {
            '1': { deprecatedAt: '2020-01-01', sunsetAt: '2021-01-01', successor: '/v2' },
            '2': { deprecatedAt: '2020-01-01', sunsetAt: '2100-01-01' },
          },
        }),
      )
      .use(allowAnonymous()),
    [PREFIXED]: surface
      .use(
        apiVersion({
          from: { pathAfter: '/shop' },
          versions: { '1': {}, '2': { sunsetAt: '2021-01-01' } },
        }),
      )
      .use(allowAnonymous()),
    typed: surface.use(allowedContentTypes()).use(allowAnonymous()),
    readOnly: surface.use(allowAnonymous()),
    [CANONICAL]: surface.use(requireCanonicalPath()).use(allowAnonymous()),
    overridden: surface.use(denyMethodOverride()).use(allowAnonymous()),
    negotiated: surface.use(limitNegotiation()).use(allowAnonymous()),
    tokened: surface
      .use(
        requireCsrfToken({
          secrets: [crypto.getRandomValues(new Uint8Array(32))],
          session: () => 'session-1',
        }),
      )
      .use(allowAnonymous()),
  };
}

const unsupported = (code: string): Expectation => ({ allowed: false, kind: 'unsupported', code });
const malformed = (code: string): Expectation => ({ allowed: false, kind: 'malformed', code });
const amount = { amount: 5 };

/** What every HTTP host must decide alike. */
export const requestCases: readonly Case[] = [
  {
    name: 'a call in clear, whatever it says of itself',
    operation: 'encrypted',
    headers: [
      ['x-forwarded-proto', 'https'],
      ['forwarded', 'for=127.0.0.1;proto=https'],
    ],
    expect: { allowed: false, kind: 'forbidden', code: 'https.required' },
  },
  {
    name: 'a call in clear that changes something, where others are redirected',
    operation: 'redirected',
    message: amount,
    expect: { allowed: false, kind: 'forbidden', code: 'https.required' },
  },
  {
    name: 'the host of the list',
    operation: 'named',
    headers: [['host', HOST]],
    expect: { allowed: true },
  },
  {
    name: 'a host that is not in the list, whatever a proxy is said to have written',
    operation: 'named',
    headers: [
      ['host', 'evil.example'],
      ['x-forwarded-host', HOST],
    ],
    expect: { allowed: false, kind: 'forbidden', code: 'host.not_allowed' },
  },
  {
    name: 'a body of the one type that is taken',
    operation: 'typed',
    message: amount,
    expect: { allowed: true, reply: amount },
  },
  { name: 'no body, and so no type', operation: 'typed', expect: { allowed: true } },
  ...[
    ['text/plain', 'content_type.not_allowed'],
    ['application/xml', 'content_type.not_allowed'],
    ['application/json, text/plain', 'content_type.malformed'],
    ['application/json; charset=utf-16', 'content_type.charset_not_allowed'],
  ].map(
    ([type = '', code = '']): Case => ({
      name: `a body of type ${type}`,
      operation: 'typed',
      body: { type, text: '{"amount":5}' },
      expect: unsupported(code),
    }),
  ),
  {
    name: 'a body within its bounds',
    operation: 'bounded',
    message: amount,
    expect: { allowed: true, reply: amount },
  },
  { name: 'no body, where bodies are bounded', operation: 'bounded', expect: { allowed: true } },
  ...[
    ['too many bytes', 'too_large', `"${'x'.repeat(LARGEST)}"`],
    ['brackets within brackets', 'too_deep', '[[[[]]]]'],
    ['a long list', 'array_too_long', '[1,2,3,4,5,6]'],
    ['the same member twice', 'duplicate_key', '{"amount":5,"amount":6}'],
  ].map(
    ([name = '', problem = '', text = '']): Case => ({
      name: `a body with ${name}, which does not say how long it is`,
      operation: 'bounded',
      headers: [['transfer-encoding', 'chunked']],
      body: { type: 'application/json', text },
      expect: {
        allowed: false,
        kind: problem === 'duplicate_key' ? 'malformed' : 'too_large',
        code: `body.${problem}`,
      },
    }),
  ),
  {
    name: 'a body that says that it is too large',
    operation: 'bounded',
    body: { type: 'application/json', text: `"${'x'.repeat(LARGEST)}"` },
    expect: { allowed: false, kind: 'too_large', code: 'body.too_large' },
  },
  {
    name: 'a version that is there',
    operation: 'versioned',
    headers: [['api-version', '2']],
    expect: { allowed: true },
  },
  {
    name: 'a version that has ended',
    operation: 'versioned',
    headers: [['api-version', '1']],
    expect: { allowed: false, kind: 'gone', code: 'version.gone' },
  },
  ...[
    ['a version that never was', 'unknown', '3'],
    ['two versions', 'malformed', '1, 2'],
  ].map(
    ([name = '', problem = '', version = '']): Case => ({
      name,
      operation: 'versioned',
      headers: [['api-version', version]],
      expect: { allowed: false, kind: 'malformed', code: `version.${problem}` },
    }),
  ),
  {
    name: 'a version behind a prefix of the path',
    operation: 'shop/v1',
    expect: { allowed: true },
  },
  ...(
    [
      ['v2', 'gone', 'gone'],
      ['v3', 'unknown', 'not_found'],
      ['v01', 'malformed', 'malformed'],
      ['V1', 'missing', 'not_found'],
      ['%761', 'missing', 'not_found'],
    ] as const
  ).map(
    ([version, problem, kind]): Case => ({
      name: `the version of /shop/${version}`,
      operation: `shop/${version}`,
      expect: { allowed: false, kind, code: `version.${problem}` },
    }),
  ),
  {
    name: 'a path in its one spelling',
    operation: 'canonical/caf%C3%A9?next=/a/../b',
    expect: { allowed: true },
  },
  ...['a%2Fb', 'a%2f..%2fb', 'a;b', 'a%5cb', 'a%00', 'a%252fb', '%2561dmin'].map(
    (id): Case => ({
      name: `the path /canonical/${id}, which can be read in several ways`,
      operation: `canonical/${id}`,
      expect: malformed('call.path_ambiguous'),
    }),
  ),
  {
    name: 'a call with the method that it means',
    operation: 'overridden?method=DELETE',
    message: amount,
    expect: { allowed: true, reply: amount },
  },
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map(
    (field): Case => ({
      name: `a call that means another method by ${field}`,
      operation: 'overridden',
      headers: [[field, 'DELETE']],
      message: amount,
      expect: malformed('call.method_override'),
    }),
  ),
  ...['_method=DELETE', '%5Fmethod=DELETE', 'a=1&[_method]=DELETE'].map(
    (query): Case => ({
      name: `a call that means another method by the query ${query}`,
      operation: `overridden?${query}`,
      message: amount,
      expect: malformed('call.method_override'),
    }),
  ),
  {
    name: 'a few ranges and choices',
    operation: 'negotiated',
    headers: [
      ['range', 'bytes=0-1,5-6'],
      ['accept-encoding', 'gzip, deflate, br, zstd'],
    ],
    expect: { allowed: true },
  },
  ...[
    ['range', 'bytes=0-1,2-3,4-5,6-7,8-9,10-11'],
    ['accept-encoding', 'gzip,'.repeat(50)],
    ['if-none-match', '"a",'.repeat(50)],
  ].map(
    ([field = '', value = '']): Case => ({
      name: `${field} with more members than allowed`,
      operation: 'negotiated',
      headers: [[field, value]],
      expect: malformed('call.negotiation_too_large'),
    }),
  ),
  {
    name: 'a safe method without a token of the session',
    operation: 'tokened',
    expect: { allowed: true },
  },
  {
    name: 'an unsafe method without a token of the session',
    operation: 'tokened',
    message: amount,
    expect: { allowed: false, kind: 'forbidden', code: 'csrf.token_missing' },
  },
  {
    name: 'an unsafe method with a token that somebody made up',
    operation: 'tokened',
    headers: [
      ['cookie', '__Host-csrf=x'],
      ['x-csrf-token', 'x'],
    ],
    message: amount,
    expect: { allowed: false, kind: 'forbidden', code: 'csrf.token_invalid' },
  },
  {
    name: 'a body with a content coding',
    operation: 'bounded',
    headers: [['content-encoding', 'gzip']],
    message: amount,
    expect: unsupported('body.coding_not_allowed'),
  },
];

/** What cannot be told as a decision alone. */
export function describeRequests(get: () => Running): void {
  describe('a call in clear', () => {
    test('is sent to the public origin with its path', async () => {
      const { client } = get();
      const observed = await client.call({ operation: 'redirected', headers: [] });
      expect(observed.status).toBe(308);
      expect(observed.header('location')).toBe(`${HTTPS_ORIGIN}/redirected`);
    });
  });

  test.each([
    ['1', 410, 'Fri, 01 Jan 2021 00:00:00 GMT'],
    ['2', 200, 'Fri, 01 Jan 2100 00:00:00 GMT'],
  ])('callers of version %s hear when it ends: %s', async (version, status, sunset) => {
    const { client } = get();
    const headers = [['api-version', version]] as const;
    const observed = await client.call({ operation: 'versioned', headers });
    expect(observed.status).toBe(status);
    expect(observed.header('deprecation')).toBe('@1577836800');
    expect(observed.header('sunset')).toBe(sunset);
    expect(observed.header('vary')?.toLowerCase()).toContain('api-version');
  });

  test.each([
    '%61dmin',
    'ADMIN',
    '/admin',
    'admin/',
    'admin;x',
    './admin',
    'open/../admin',
    'admin%2f',
    'admin%00',
    'admin?open',
    'admin#open',
    '%2561dmin',
  ])('a guarded operation is not reached by another spelling of its path: /%s', async (path) => {
    const { api, client, credentials } = get();
    const token = await credentials.token();
    for (const method of ['GET', 'POST', 'HEAD']) {
      const id = crypto.randomUUID();
      const headers = [
        [CASE_HEADER, id],
        ['authorization', `Bearer ${token}`],
      ] as const;
      const observed = await client.call({ operation: path, method, headers });
      expect(observed.allowed, `${method} /${path}: ${observed.status}`).toBe(false);
      expect(api.ended(id).handled).toBe(false);
    }
  });

  test('a page that sends the token of its session back may change something', async () => {
    const { client } = get();
    const operation = 'tokened';
    const page = await client.call({ operation, headers: [] });
    const [cookie = '', token = ''] =
      /__Host-csrf=([^;]+)/.exec(page.header('set-cookie') ?? '') ?? [];
    expect(token).not.toBe('');
    const sent = async (...headers: readonly (readonly [string, string])[]) =>
      (await client.call({ operation, headers, message: amount })).code;
    expect(await sent(['cookie', cookie], ['x-csrf-token', token])).toBeUndefined();
    // Half of it is what a page of another site can bring about.
    expect(await sent(['cookie', cookie])).toBe('csrf.token_missing');
    expect(await sent(['x-csrf-token', token])).toBe('csrf.token_missing');
  });
}
