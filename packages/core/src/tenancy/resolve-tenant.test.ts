import { describe, expect, test } from 'vitest';
import { codes } from '../engine/codes.ts';
import type { Call, Principal } from '../engine/facts.ts';
import type { Outcome } from '../engine/outcome.ts';
import { resolveTenant } from './resolve-tenant.ts';
import type { TenantFacts } from './tenant-id.ts';
import { tenantFrom } from './tenant-sources.ts';

interface Given {
  readonly tenant?: unknown;
  readonly claims?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  readonly operation?: string;
  readonly path?: string;
  readonly protocol?: Call['protocol'];
}

const factsOf = ({ tenant, claims = {}, operation = 'GET /orders', protocol = 'http' }: Given) => ({
  // Attackers and broken issuers do not keep to types.
  call: { protocol, operation, fields: [] } as unknown as Call,
  peer: { address: undefined, id: undefined },
  principal: { id: 'i|alice', subject: 'alice', issuer: 'i', tenant } as unknown as Principal,
  authentication: { method: 'jwt', scheme: 'Bearer', claims },
});
const requestOf = ({ path = '/orders', headers = {} }: Given) => ({
  method: 'GET',
  url: path,
  headers: new Headers(headers),
});
const answer = (outcome: Outcome<TenantFacts>): string | undefined =>
  outcome.ok ? outcome.facts?.tenant : outcome.denial.code;

const everywhere = () =>
  resolveTenant({
    from: [
      tenantFrom.principal(),
      tenantFrom.claim(['org', 'id']),
      tenantFrom.host({ under: 'api.example.com' }),
      tenantFrom.path('tenant'),
      tenantFrom.header('X-Tenant'),
    ],
  });
const ask = (given: Given) => answer(everywhere().check(requestOf(given), factsOf(given)));

const ROUTE = { operation: 'GET /tenants/:tenant/orders', path: '/tenants/acme/orders' };

describe('resolveTenant finds', () => {
  test.each<[string, Given]>([
    ['the tenant that the credential is bound to', { tenant: 'acme' }],
    ['one that a claim names', { claims: { org: { id: 'acme' } } }],
    [
      'one that the host confirms',
      { tenant: 'acme', headers: { host: 'ACME.api.example.com:443' } },
    ],
    ['one that the path confirms', { tenant: 'acme', ...ROUTE }],
    ['one in an encoded path', { tenant: 'acme', ...ROUTE, path: '/tenants/%61cme/orders?x=/' }],
    [
      'one in front of a wildcard',
      { tenant: 'acme', operation: 'GET /:tenant/*', path: '/acme/a/b/c' },
    ],
    [
      'one behind another parameter',
      { tenant: 'acme', operation: 'GET /:region_1/:tenant', path: '/eu/acme' },
    ],
    ['one beside a null claim', { tenant: 'acme', claims: { org: null } }],
    [
      'one beside a route of a longer name',
      {
        tenant: 'acme',
        operation: 'GET /:tenantName/x',
        path: '/evil/x',
      },
    ],
    ['one that a header confirms', { tenant: 'acme', headers: { 'X-Tenant': 'acme' } }],
    ['one beside the bare host', { tenant: 'acme', headers: { host: 'api.example.com' } }],
    ['one on GraphQL, whatever the path', { tenant: 'acme', ...ROUTE, protocol: 'graphql' }],
    ['one on gRPC, whatever the path', { tenant: 'acme', ...ROUTE, protocol: 'grpc' }],
  ])('%s', (_name, given) => {
    expect(ask(given)).toBe('acme');
  });
});

describe('resolveTenant denies', () => {
  test.each<[string, string, Given]>([
    ['a call that names no tenant', 'tenant.missing', {}],
    [
      'a claim beside another binding',
      'tenant.conflict',
      { tenant: 'acme', claims: { org: { id: 'evil' } } },
    ],
    [
      'another host',
      'tenant.conflict',
      { tenant: 'acme', headers: { host: 'evil.api.example.com' } },
    ],
    ['another path', 'tenant.conflict', { ...ROUTE, tenant: 'evil' }],
    ['another header', 'tenant.conflict', { tenant: 'acme', headers: { 'x-tenant': 'evil' } }],
    ['another case', 'tenant.conflict', { tenant: 'acme', headers: { 'x-tenant': 'Acme' } }],
    ['a host alone', 'tenant.unproven', { headers: { host: 'acme.api.example.com' } }],
    ['a path alone', 'tenant.unproven', ROUTE],
    ['a header alone', 'tenant.unproven', { headers: { 'x-tenant': 'acme' } }],
    ['two headers', 'tenant.malformed', { tenant: 'acme', headers: { 'x-tenant': 'acme, acme' } }],
    ['an empty header', 'tenant.malformed', { tenant: 'acme', headers: { 'x-tenant': '' } }],
    ['a foreign host', 'tenant.malformed', { tenant: 'acme', headers: { host: 'acme.evil.test' } }],
    [
      'two labels',
      'tenant.malformed',
      { tenant: 'acme', headers: { host: 'x.acme.api.example.com' } },
    ],
    [
      'a name that only ends like it',
      'tenant.malformed',
      { tenant: 'a', headers: { host: 'aapi.example.com' } },
    ],
    [
      'an empty label',
      'tenant.malformed',
      { tenant: 'acme', headers: { host: '.api.example.com' } },
    ],
    ['a long host', 'tenant.malformed', { tenant: 'acme', headers: { host: 'a'.repeat(9_000) } }],
    [
      'a path that is encoded twice',
      'tenant.malformed',
      { tenant: 'acme', ...ROUTE, path: '/tenants/%2561cme/orders' },
    ],
    [
      'a path with a slash in it',
      'tenant.malformed',
      { tenant: 'acme', ...ROUTE, path: '/tenants/acme%2F../orders' },
    ],
    [
      'a path that is not UTF-8',
      'tenant.malformed',
      { tenant: 'acme', ...ROUTE, path: '/tenants/%ff/orders' },
    ],
    [
      'a path that does not fit',
      'tenant.malformed',
      { tenant: 'acme', ...ROUTE, path: '/TENANTS/acme/orders' },
    ],
    ['a shorter path', 'tenant.malformed', { tenant: 'acme', ...ROUTE, path: '/tenants' }],
    [
      'a wildcard in front',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /*/:tenant', path: '/a/acme' },
    ],
    [
      'a pattern of the router',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /:tenant(\\w+)', path: '/acme' },
    ],
    [
      'a parameter that the route has twice',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /:tenant/of/:tenant', path: '/acme/of/evil' },
    ],
    [
      'a wildcard of that name',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /files/*tenant', path: '/files/evil' },
    ],
    [
      'a parameter in quotes',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /:"tenant"/files', path: '/evil/files' },
    ],
    [
      'a group of a regular expression',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /^\\/(?<tenant>[a-z]+)$/', path: '/evil' },
    ],
    [
      'an optional parameter',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /:tenant?', path: '/acme' },
    ],
    [
      'a text with a colon in front',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /a:b/:tenant', path: '/x/acme' },
    ],
    [
      'a part of a segment',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /x-:tenant', path: '/acme' },
    ],
    [
      'a port in the middle',
      'tenant.malformed',
      {
        tenant: 'acme',
        headers: { host: 'acme:443.api.example.com' },
      },
    ],
    [
      'the host of another name of that length',
      'tenant.malformed',
      { tenant: 'acme', headers: { host: 'acme.api.example.org' } },
    ],
    ['a claim that is a list', 'tenant.malformed', { claims: { org: { id: ['acme'] } } }],
    ['a claim that is an object', 'tenant.malformed', { claims: { org: { id: { id: 'acme' } } } }],
    ['a claim below a text', 'tenant.malformed', { tenant: 'acme', claims: { org: 'acme' } }],
    [
      'a claim of the prototype',
      'tenant.missing',
      { claims: { org: Object.create({ id: 'acme' }) } },
    ],
  ])('%s', (_name, code, given) => {
    expect(ask(given)).toBe(code);
    expect(codes).toHaveProperty([code]);
  });

  test.each<unknown>([
    7,
    0,
    true,
    {},
    [],
    ['acme'],
    '',
    ' ',
    ' acme',
    'acme ',
    'ac\0me',
    'ac\nme',
    'acme\n',
    'ac/me',
    'ac,me',
    "a'b",
    'ac me',
    '.',
    '..',
    '-a',
    'ü',
    'ａcme',
    'аcme',
    '\u202eacme',
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(65),
    'a'.repeat(1_000_000),
    { toString: () => 'acme' },
    Object('acme'),
    Symbol('acme'),
    1n,
  ])('an id of the wrong type or form: %#', (tenant) => {
    expect(ask({ tenant })).toBe('tenant.malformed');
  });

  test('with a cause for operators, and without naming tenants to the caller', () => {
    const given = { tenant: 'acme', headers: { 'x-tenant': 'evil' } };
    const denied = everywhere().check(requestOf(given), factsOf(given));
    expect(denied).toMatchObject({
      denial: { kind: 'forbidden', cause: 'the principal says "acme", the header x-tenant "evil"' },
    });
    expect(!denied.ok && denied.denial.detail).toBe('The call names two tenants.');
    const three = { ...given, claims: { org: { id: 'acme' } } };
    expect(everywhere().check(requestOf(three), factsOf(three))).toMatchObject({
      denial: { cause: expect.stringMatching(/^the principal says "acme"/) as string },
    });
    const odd = { tenant: 'a/b' };
    expect(everywhere().check(requestOf(odd), factsOf(odd))).toMatchObject({
      denial: {
        kind: 'malformed',
        detail: 'The tenant that the call names is not well formed.',
        cause: 'what names the tenant in the principal is not a well-formed id',
      },
    });
  });

  test('and says which facts it needs', () => {
    expect(everywhere()).toMatchObject({
      needs: ['principal', 'authentication', 'call'],
      adds: ['tenant'],
    });
  });

  test('an id that is empty or too long, whatever the pattern', () => {
    const { check } = resolveTenant({ from: [tenantFrom.principal()], pattern: /[a-z]*/ });
    const on = (tenant: string) => answer(check(requestOf({}), factsOf({ tenant })));
    expect(on('')).toBe('tenant.malformed');
    expect(on('a'.repeat(128))).toBe('a'.repeat(128));
    expect(on('a'.repeat(129))).toBe('tenant.malformed');
  });

  test('and says what the source is and needs', () => {
    const { claim, host, path, header, principal } = tenantFrom;
    expect(principal()).toMatchObject({ name: 'principal', proven: true, needs: ['principal'] });
    expect(claim('org_id')).toMatchObject({ name: 'claim org_id', needs: ['authentication'] });
    expect(claim(['org', 'id'])).toMatchObject({ name: 'claim org.id', proven: true });
    expect(host({ under: 'example.com' })).toMatchObject({ name: 'host', proven: false });
    expect(path('tenant')).toMatchObject({ name: 'path :tenant', proven: false, needs: ['call'] });
    expect(header('X-Tenant')).toMatchObject({ name: 'header x-tenant', proven: false });
  });

  test('a claim by its name alone is read', () => {
    const { check } = resolveTenant({ from: [tenantFrom.claim('org')] });
    const given = { claims: { org: 'acme', o: 'evil' } };
    expect(answer(check(requestOf(given), factsOf(given)))).toBe('acme');
  });

  test('a pattern holds for the whole id, and a global one for every call', () => {
    const { check } = resolveTenant({ from: [tenantFrom.principal()], pattern: /\d+|[a-c]+/g });
    const on = (tenant: string) => answer(check(requestOf({}), factsOf({ tenant })));
    expect(['12', '12', 'abc', '12x', 'xabc', '1a'].map(on)).toEqual([
      '12',
      '12',
      'abc',
      'tenant.malformed',
      'tenant.malformed',
      'tenant.malformed',
    ]);
  });
});

describe('a caller of several tenants', () => {
  const members = (mayActIn: (tenant: string) => unknown) =>
    resolveTenant({
      from: [tenantFrom.principal(), tenantFrom.header('x-tenant')],
      // What JavaScript may answer.
      mayActIn: mayActIn as (tenant: string) => boolean,
      timeout: '5ms',
    });
  const on = async (mayActIn: (tenant: string) => unknown, given: Given) =>
    answer(await members(mayActIn).check(requestOf(given), factsOf(given)));
  const acme = { headers: { 'x-tenant': 'acme' } };

  test.each<[string, (tenant: string) => unknown, string]>([
    ['acts in one of them', (tenant) => tenant === 'acme', 'acme'],
    ['acts in one of them, said later', async (tenant) => tenant === 'acme', 'acme'],
    ['does not act in another', () => false, 'tenant.not_allowed'],
    ['needs a plain yes', () => 'yes', 'tenant.not_allowed'],
    ['needs a plain yes, also later', async () => 1, 'tenant.not_allowed'],
    ['waits for a store that fails', () => Promise.reject(new Error('down')), 'tenant.unavailable'],
    [
      'waits for a store that throws',
      () => {
        throw new Error('down');
      },
      'tenant.unavailable',
    ],
    ['does not wait for ever', () => new Promise(() => {}), 'tenant.unavailable'],
  ])('%s', async (_name, mayActIn, expected) => {
    expect(await on(mayActIn, acme)).toBe(expected);
  });

  test('needs no other proof', () => {
    const { check } = resolveTenant({
      from: [tenantFrom.header('x-tenant')],
      mayActIn: () => true,
    });
    expect(answer(check(requestOf(acme), factsOf({})) as Outcome<TenantFacts>)).toBe('acme');
  });

  test('may try again in a second where the store failed, and operators learn why', async () => {
    const down = new Error('down');
    const policy = members(() => Promise.reject(down));
    expect(await policy.check(requestOf(acme), factsOf({}))).toMatchObject({
      denial: { kind: 'unavailable', retryAfterMs: 1_000, cause: down },
    });
  });

  test('is held to the tenant of the credential where there is one', async () => {
    expect(await on(() => true, { tenant: 'evil', ...acme })).toBe('tenant.conflict');
    expect(await on(() => false, { tenant: 'acme', ...acme })).toBe('acme');
    expect(await on(() => true, {})).toBe('tenant.missing');
  });
});

test('pages for everybody take the tenant of the host', () => {
  const { check } = resolveTenant({
    from: [tenantFrom.host({ under: 'example.com' })],
    insecureUnproven: true,
  });
  expect(answer(check(requestOf({ headers: { host: 'acme.example.com' } }), {}))).toBe('acme');
});

describe('resolveTenant cannot be constructed', () => {
  test.each<[string, unknown, RegExp]>([
    ['without sources', { from: [] }, /list of sources/],
    ['with something else', { from: ['principal'] }, /list of sources/],
    [
      'with one source that is none',
      { from: [tenantFrom.principal(), undefined] },
      /list of sources/,
    ],
    ['with a source without a name', { from: [{ proven: true, read: () => 'a' }] }, /of sources/],
    ['with a source without proof', { from: [{ name: 'a', read: () => 'a' }] }, /of sources/],
    ['with a source that does not read', { from: [{ name: 'a', proven: true }] }, /of sources/],
    ['with members that are a list', { from: [tenantFrom.principal()], mayActIn: [] }, /function/],
    [
      'with a word for insecureUnproven',
      { from: [tenantFrom.principal()], insecureUnproven: 'yes' },
      /true or false/,
    ],
    [
      'with a timeout of an hour',
      { from: [tenantFrom.principal()], mayActIn: () => true, timeout: '1h' },
      /timeout.*1m/,
    ],
    [
      'with what proves nothing',
      { from: [tenantFrom.path('tenant')] },
      /no source proves .*, or insecureUnproven: true/,
    ],
    ['with an unknown option', { from: [tenantFrom.principal()], form: 'host' }, /not an option/],
    [
      'with a text as pattern',
      { from: [tenantFrom.principal()], pattern: 'a' },
      /regular expression/,
    ],
    ['with a timeout of nothing', { from: [tenantFrom.principal()], timeout: '1s' }, /mayActIn/],
    [
      'with a bare number',
      { from: [tenantFrom.principal()], mayActIn: () => true, timeout: 5 },
      /unit/,
    ],
    [
      'with both ways around proof',
      { from: [tenantFrom.path('t')], mayActIn: () => true, insecureUnproven: true },
      /left out with mayActIn/,
    ],
  ])('%s', (_name, options, message) => {
    expect(() => resolveTenant(options as never)).toThrow(message);
  });

  test('with sources that read nothing', () => {
    expect(() => tenantFrom.host({ under: 'API.example.com' })).toThrow(/lower case/);
    expect(() => tenantFrom.host({ under: '*.example.com' })).toThrow(/host name/);
    expect(() => tenantFrom.host({ under: ['a.example.com'] as never })).toThrow(/host name/);
    expect(() => tenantFrom.host({ host: 'a.b' } as never)).toThrow(/^tenantFrom.host: "host"/);
    for (const name of [':tenant', 'tenant?', '', ['tenant']]) {
      expect(() => tenantFrom.path(name as never)).toThrow(/name of a parameter/);
    }
    for (const name of ['x tenant', '', ['x-tenant']]) {
      expect(() => tenantFrom.header(name as never)).toThrow(/name of a header/);
    }
    for (const path of [[], [''], ['a', 7], '', { length: 1 }, undefined]) {
      expect(() => tenantFrom.claim(path as never)).toThrow(/name of a claim/);
    }
  });
});
