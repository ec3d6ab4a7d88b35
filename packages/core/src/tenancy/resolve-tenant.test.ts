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

const everywhere = resolveTenant({
  from: [
    tenantFrom.principal(),
    tenantFrom.claim(['org', 'id']),
    tenantFrom.host({ under: 'api.example.com' }),
    tenantFrom.path('tenant'),
    tenantFrom.header('x-tenant'),
  ],
});
const ask = (given: Given) => answer(everywhere.check(requestOf(given), factsOf(given)));

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
      'an optional parameter',
      'tenant.malformed',
      { tenant: 'acme', operation: 'GET /:tenant?', path: '/acme' },
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
    const denied = everywhere.check(requestOf(given), factsOf(given));
    expect(denied).toMatchObject({
      denial: { kind: 'forbidden', cause: 'the principal says "acme", the header x-tenant "evil"' },
    });
    expect(!denied.ok && denied.denial.detail).not.toMatch(/acme|evil/);
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

describe('resolveTenant does not construct', () => {
  test.each<[string, unknown, RegExp]>([
    ['without sources', { from: [] }, /list of sources/],
    ['with something else', { from: ['principal'] }, /list of sources/],
    ['with what proves nothing', { from: [tenantFrom.path('tenant')] }, /no source proves/],
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
      /not needed/,
    ],
  ])('%s', (_name, options, message) => {
    expect(() => resolveTenant(options as never)).toThrow(message);
  });

  test('with sources that read nothing', () => {
    expect(() => tenantFrom.host({ under: 'API.example.com' })).toThrow(/lower case/);
    expect(() => tenantFrom.host({ under: '*.example.com' })).toThrow(/host name/);
    expect(() => tenantFrom.path(':tenant')).toThrow(/name of a parameter/);
    expect(() => tenantFrom.header('x tenant')).toThrow(/name of a header/);
    expect(() => tenantFrom.claim([])).toThrow(/name of a claim/);
  });
});
