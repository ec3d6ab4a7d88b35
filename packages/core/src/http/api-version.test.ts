import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { allOf } from '../engine/combine.ts';
import { coverage } from '../engine/coverage.ts';
import { enforce } from '../engine/enforce.ts';
import { guard } from '../engine/guard.ts';
import { protect } from '../host/protect.ts';
import { type ApiVersionOptions, type ApiVersionUse, apiVersion } from './api-version.ts';

const call = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: undefined, id: undefined },
} as const;
const now = (): number => Date.parse('2026-06-01');
const versions = {
  '1': { deprecatedAt: '2025-01-01', sunsetAt: '2026-01-01', successor: '/v2' },
  '2.0': {
    deprecatedAt: '2026-01-01',
    sunsetAt: '2027-01-01T12:00:00Z',
    documentation: 'https://x.example/2',
  },
  '2.9': {},
  '2.10.1': {},
  '3': { deprecatedAt: '2030-01-01' },
  '3.1': {},
} as const;

function ask(
  policy: { check: (request: Request, facts: typeof call) => unknown },
  path: string,
  headers = {},
) {
  const outcome = policy.check(new Request(`http://x${path}`, { headers }), call) as {
    ok: boolean;
    facts?: { apiVersion: string };
    denial?: { code: string; kind: string };
    obligations?: { headers: { name: string; value: string }[] };
  };
  const sent = Object.fromEntries(
    (outcome.obligations?.headers ?? []).map((h) => [h.name, h.value]),
  );
  return {
    answer: outcome.facts?.apiVersion ?? outcome.denial?.code,
    kind: outcome.denial?.kind,
    sent,
  };
}

describe('apiVersion in the path', () => {
  const policy = apiVersion({ from: 'path', versions, now });
  test.each([
    ['/v2.0/orders', '2.0', undefined],
    ['/v2/orders', '2.10.1', undefined],
    ['/v2.10', '2.10.1', undefined],
    ['/v3/orders', '3', undefined],
    ['/v3.1/orders', '3.1', undefined],
    ['/v1/orders', 'version.gone', 'gone'],
    ['/v4/orders', 'version.unknown', 'not_found'],
    ['/v2.0.0/orders', 'version.unknown', 'not_found'],
    ['/v02/orders', 'version.malformed', 'malformed'],
    ['/v2./orders', 'version.malformed', 'malformed'],
    ['/orders', 'version.missing', 'not_found'],
    ['/v2x/orders', 'version.missing', 'not_found'],
    ['/%761/orders', 'version.missing', 'not_found'],
    [`/v${'1'.repeat(1_000)}/orders`, 'version.missing', 'not_found'],
  ])('%s: %s', (path, answer, kind) => {
    expect(ask(policy, path)).toMatchObject({ answer, kind });
  });

  test('says until when a deprecated version is available', () => {
    expect(ask(policy, '/v2.0/orders').sent).toEqual({
      deprecation: '@1767225600',
      sunset: 'Fri, 01 Jan 2027 12:00:00 GMT',
      link: '<https://x.example/2>; rel="deprecation"',
    });
    expect(ask(policy, '/v2.9/orders').sent).toEqual({});
  });

  test('says so past the sunset too, and of a date that is still to come', () => {
    expect(ask(policy, '/v1/orders')).toMatchObject({
      answer: 'version.gone',
      sent: {
        deprecation: '@1735689600',
        sunset: 'Thu, 01 Jan 2026 00:00:00 GMT',
        link: '</v2>; rel="successor-version"',
      },
    });
    expect(ask(policy, '/v3/orders')).toMatchObject({
      answer: '3',
      sent: { deprecation: '@1893456000' },
    });
  });

  test('ends at the moment of its sunset', () => {
    let time = Date.parse('2027-01-01T12:00:00Z') - 1;
    const timed = apiVersion({ from: 'path', versions, now: () => time });
    expect(ask(timed, '/v2.0/').answer).toBe('2.0');
    time++;
    expect(ask(timed, '/v2.0/').answer).toBe('version.gone');
  });
});

describe('apiVersion in the path behind a prefix', () => {
  const policy = apiVersion({ from: { pathAfter: '/shop/api' }, versions, now });
  test.each([
    ['/shop/api/v2.0/orders', '2.0', undefined],
    ['/shop/api/v3', '3', undefined],
    ['/shop/api/v1/orders', 'version.gone', 'gone'],
    ['/shop/api/v4/orders', 'version.unknown', 'not_found'],
    ['/shop/api/v02/orders', 'version.malformed', 'malformed'],
    ['/v3/orders', 'version.missing', 'not_found'],
    ['/shop/api', 'version.missing', 'not_found'],
    ['/shop/api/orders/v3', 'version.missing', 'not_found'],
    ['/shop/apiv3', 'version.missing', 'not_found'],
    ['/other/shop/api/v3', 'version.missing', 'not_found'],
    // What some router may take for the same path, and what names two versions.
    ['/SHOP/API/v3', 'version.missing', 'not_found'],
    ['/shop//api/v3', 'version.missing', 'not_found'],
    ['/shop/%61pi/v3', 'version.missing', 'not_found'],
    ['/shop/api//v3', 'version.missing', 'not_found'],
    ['/v1/shop/api/v3', 'version.missing', 'not_found'],
  ])('%s: %s', (path, answer, kind) => {
    expect(ask(policy, path)).toMatchObject({ answer, kind });
  });

  test('takes no default, as in a path without one', () => {
    expect(() =>
      apiVersion({ from: { pathAfter: '/api' }, versions: { '1': {} }, default: '1' }),
    ).toThrow(/leave out default with versions in the path/);
  });

  test('says nothing of headers to caches', () => {
    expect(policy.always).toBeUndefined();
  });
});

describe('apiVersion in headers', () => {
  const byHeader = apiVersion({ from: { header: 'api-version' }, versions, default: '2.9', now });
  test.each([
    ['3', '3'],
    ['2, 3', 'version.malformed'],
    ['', 'version.malformed'],
    ['__proto__', 'version.malformed'],
    ['9', 'version.unknown'],
    [undefined, '2.9'],
  ])('the header says %j: %s', (value, answer) => {
    const headers = value === undefined ? {} : { 'api-version': value };
    expect(ask(byHeader, '/orders', headers).answer).toBe(answer);
  });

  const byType = apiVersion({ from: 'mediaType', versions, now });
  test.each([
    ['application/json; version=3', '3'],
    ['application/vnd.example.v2.9+json', '2.9'],
    ['text/html, application/json;version=3;q=0.5', '3'],
    ['application/json;version=3, text/html;version=2.9', 'version.malformed'],
    ['application/json;version=3;q=0', 'version.missing'],
    ['application/json;version=3;q=0.000, text/html;version=2.9', '2.9'],
    ['application/json', 'version.missing'],
    ['application/vnd.example.v2.9+json;version=3', 'version.malformed'],
    ['application/vnd.example.v3+json;version=3', '3'],
    ['application/json;version=3;version=2.9', 'version.malformed'],
    ['application/vnd.example.v3+json;a=b c, text/html', 'version.malformed'],
    ['application/json;profile="a,b", text/html;version=3', '3'],
    [`${'a/b,'.repeat(500)}application/json;version=3`, 'version.malformed'],
  ])('Accept: %s: %s', (accept, answer) => {
    expect(ask(byType, '/orders', { accept }).answer).toBe(answer);
  });

  test('a header that cannot be read is not one that says nothing', () => {
    const open = apiVersion({ from: 'mediaType', versions, default: '2.9', now });
    expect(ask(open, '/orders', { accept: 'text/html' }).answer).toBe('2.9');
    const twice = { accept: 'application/json;version=3;version=3' };
    expect(ask(open, '/orders', twice).answer).toBe('version.malformed');
  });

  test('tells caches which headers the answer depends on', () => {
    expect(byHeader.always).toEqual({
      headers: [{ op: 'append', name: 'vary', value: 'api-version' }],
    });
    expect(byType.always).toEqual({ headers: [{ op: 'append', name: 'vary', value: 'Accept' }] });
  });

  test('dates are versions too', () => {
    const dated = apiVersion({
      from: { header: 'v' },
      versions: { '2026-01-01': {}, '2025-01-01': {} },
    });
    expect(ask(dated, '/', { v: '2025-01-01' }).answer).toBe('2025-01-01');
    expect(ask(dated, '/', { v: '2025' }).answer).toBe('version.unknown');
  });
});

test.each<[string, ApiVersionOptions<string>, string, object, number]>([
  ['one that has ended', { from: 'path', versions }, '/v1/orders', {}, 410],
  ['an unknown one in the path', { from: 'path', versions }, '/v9/orders', {}, 404],
  ['none in the path', { from: 'path', versions }, '/orders', {}, 404],
  ['a malformed one in the path', { from: 'path', versions }, '/v02/orders', {}, 400],
  ['an unknown one in a header', { from: { header: 'v' }, versions }, '/orders', { v: '9' }, 400],
  ['none in a header', { from: { header: 'v' }, versions }, '/orders', {}, 400],
  ['several in a header', { from: { header: 'v' }, versions }, '/orders', { v: '2, 3' }, 400],
])('the status for %s', async (_name, options, path, headers, status) => {
  const api = guard()
    .use(apiVersion({ ...options, now }))
    .use(allowAnonymous());
  const serve = protect(api, (_request, facts) => new Response(facts.apiVersion));
  const ask = (to: string, more: object) =>
    serve(new Request(`http://x${to}`, { headers: { ...more } }));
  expect((await ask(path, headers)).status).toBe(status);
  const asked = await ask('/v2/orders', { v: '2' });
  expect([asked.status, await asked.text()]).toEqual([200, '2.10.1']);
});

test('the versions can be read without a call, in a guard and in a combination', () => {
  const policy = apiVersion({ from: 'path', versions, now });
  const told = [
    {
      name: '1',
      deprecatedAt: expect.any(Number),
      sunsetAt: expect.any(Number),
      successor: expect.any(String),
    },
    { name: '2.0' },
  ];
  expect(policy.versions?.slice(0, 2)).toMatchObject(told);
  const table = coverage({ 'GET /a': guard().use(allOf(policy, allowAnonymous())) });
  expect(table.report()[0]?.policies[0]?.parts?.[0]?.versions).toEqual(policy.versions);
});

test('operators are told which version has ended', () => {
  const policy = apiVersion({ from: 'path', versions, now });
  const outcome = policy.check(new Request('http://x/v1/a'), call);
  expect(outcome).toMatchObject({ denial: { cause: { version: '1' } } });
});

test('the use of a version is reported once for each call, denied or not', async () => {
  const uses: ApiVersionUse[] = [];
  const api = guard()
    .use(apiVersion({ from: 'path', versions, now, onUse: (use) => uses.push(use) }))
    .use(allowAnonymous());
  for (const path of ['/v1/a', '/v2.0/a', '/v3/a']) {
    enforce(await api.check(new Request(`http://x${path}`), call));
  }
  expect(uses.map(({ version, state }) => `${version} ${state}`)).toEqual([
    '1 gone',
    '2.0 deprecated',
    '3 current',
  ]);
  expect(uses[0]).toMatchObject({ caller: undefined, operation: 'GET /orders' });
});

test.each([
  [{ from: 'path', versions: {} }],
  [{ from: 'path', versions: { v1: {} } }],
  [{ from: 'path', versions: { '1': { deprecatedAt: 'soon' } } }],
  [{ from: 'path', versions: { '1': { deprecatedAt: 1_700_000_000 } } }],
  [{ from: 'path', versions: { '1': { deprecatedAt: '2026-02-30' } } }],
  [{ from: 'path', versions: { '1': { sunsetAt: '2026-04-31T00:00:00Z' } } }],
  [{ from: 'path', versions: { '1': { successor: '/\\evil.example' } } }],
  [{ from: 'path', versions: { '1': { deprecatedAt: '2026-01-02', sunsetAt: '2026-01-01' } } }],
  [{ from: 'path', versions: { '1': { successor: '//evil.example' } } }],
  [{ from: 'path', versions: { '1': { successor: '/v2>; rel="x' } } }],
  [{ from: 'path', versions: { '1': { documentation: 'javascript:x' } } }],
  [{ from: 'path', versions: { '1': { sunset: '2026-01-01' } } }],
  [{ from: 'path', versions: { '1': {} }, default: '1' }],
  [{ from: { header: 'v' }, versions: { '1.1': {} }, default: '1' }],
  [{ from: { header: 'a b' }, versions: { '1': {} } }],
  [{ from: { header: 'v', pathAfter: '/api' }, versions: { '1': {} } }],
  [{ from: { pathAfter: 'api' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/api/' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/a//b' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/a/../b' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/:shop' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/a%2fb' }, versions: { '1': {} } }],
  [{ from: { pathAfter: '/v1' }, versions: { '1': {} } }],
  [{ versions: { '1': {} } }],
])('cannot be constructed with %j', (options) => {
  expect(() => apiVersion(options as never)).toThrow(/^apiVersion/);
});
