import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import { anyOf } from '../engine/combine.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { optional } from '../engine/optional.ts';
import { deny } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { coverageReport } from './coverage-report.ts';
import { openapiOperations } from './openapi-operations.ts';
import { openapiSecurity } from './openapi-security.ts';
import { openapiPath, templateOf } from './path-template.ts';

const by = (name: string): Policy<object, AuthenticatedFacts, 'check'> =>
  definePolicy<object, AuthenticatedFacts, 'check'>({
    name,
    role: 'check',
    adds: ['principal', 'authentication'],
    check: () => deny('unauthenticated', 'token.missing'),
  });
const jwt = by('authenticateJwt');
const key = by('authenticateApiKey');

function securityOf(admission: object, operation = 'GET /orders/:id') {
  const report = coverageReport([{ operation, protocol: 'http', admissions: [admission] }]);
  return openapiSecurity(report);
}

describe('the security of an operation', () => {
  test.each<[string, object, readonly object[]]>([
    [
      'names the scheme and the scopes',
      guard().use(jwt).use(requireScopes('orders:read', 'orders:write')),
      [{ bearer: ['orders:read', 'orders:write'] }],
    ],
    [
      'offers alternatives',
      guard().use(anyOf(jwt, key)).use(requireScopes('a')),
      [{ bearer: ['a'] }, { apiKey: ['a'] }],
    ],
    ['may be left out', guard().use(optional(jwt)).use(allowAnonymous()), [{}, { bearer: [] }]],
    ['is empty where anybody may call', guard().use(allowAnonymous()), []],
    [
      'does not count what is in shadow mode',
      guard().use(jwt, { mode: 'shadow' }).use(allowAnonymous()),
      [],
    ],
  ])('%s', (_what, admission, expected) => {
    expect(securityOf(admission).paths['/orders/{id}']?.['get']?.security).toEqual(expected);
  });

  test('describes the schemes that are used, and an unknown one as such', () => {
    const { components } = securityOf(
      guard()
        .use(anyOf(jwt, by('my login')))
        .use(allowAnonymous()),
    );
    expect(Object.keys(components.securitySchemes)).toEqual(['bearer', 'my_login']);
    expect(components.securitySchemes['bearer']).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  test('names schemes as the option says', () => {
    const report = coverageReport([
      {
        operation: 'GET /a',
        protocol: 'http',
        admissions: [guard().use(by('my login')).use(allowAnonymous())],
      },
    ]);
    const schemes = { 'my login': { name: 'login', scheme: { type: 'http', scheme: 'basic' } } };
    const { components, paths } = openapiSecurity(report, { schemes });
    expect(components.securitySchemes).toEqual({ login: { type: 'http', scheme: 'basic' } });
    expect(paths['/a']?.['get']?.security).toEqual([{ login: [] }]);
  });

  test('leaves out what OpenAPI cannot name, and says so', () => {
    expect(securityOf(guard().use(jwt).use(allowAnonymous()), 'ALL /orders')).toMatchObject({
      paths: {},
      skipped: ['ALL /orders'],
    });
  });

  test('agrees with itself when it is read back', () => {
    const served = [
      {
        operation: 'GET /open',
        protocol: 'http' as const,
        admissions: [guard().use(allowAnonymous())],
      },
      {
        operation: 'GET /own/:id',
        protocol: 'http' as const,
        admissions: [guard().use(jwt).use(requireScopes('a'))],
      },
    ];
    const document = { openapi: '3.1.0', ...openapiSecurity(coverageReport(served)) };
    const documented = openapiOperations(document);
    const { differences } = coverageReport(served, { documented });
    expect(differences).toMatchObject({ undocumented: [], missing: [], disagreeing: [] });
  });
});

describe('an OpenAPI document', () => {
  const document = {
    openapi: '3.1.0',
    servers: [
      {
        url: 'https://{env}.example.com/{v}',
        variables: { env: { default: 'api' }, v: { default: 'v1' } },
      },
    ],
    security: [{ bearer: [] }],
    paths: {
      '/a/{id}': { get: { deprecated: true }, parameters: [], post: { security: [] }, head: {} },
      '/b': { $ref: '#/components/pathItems/B~1b' },
      '/c': { get: { security: [{}, { bearer: [] }] } },
    },
    components: { pathItems: { 'B/b': { put: {} } } },
  };

  test('lists its operations below the path of its server', () => {
    expect(openapiOperations(document)).toEqual([
      { operation: 'GET /v1/a/{id}', deprecated: true, authenticated: true },
      { operation: 'POST /v1/a/{id}', deprecated: false, authenticated: false },
      { operation: 'PUT /v1/b', deprecated: false, authenticated: true },
      { operation: 'GET /v1/c', deprecated: false, authenticated: false },
    ]);
    const [first] = openapiOperations(document, { base: '' });
    expect(first?.operation).toBe('GET /a/{id}');
  });

  test.each<[string, unknown, RegExp]>([
    ['of another kind', { swagger: '2.0' }, /not an OpenAPI document/],
    ['that is text', 'openapi: 3.1.0', /not an OpenAPI document/],
    [
      'with a reference to another file',
      { openapi: '3.1.0', paths: { '/a': { $ref: 'a.yaml' } } },
      /leads nowhere/,
    ],
    [
      'with a reference in a circle',
      { openapi: '3.1.0', paths: { '/a': { $ref: '#/paths/~1a' } } },
      /leads nowhere/,
    ],
    [
      'with a reference to a prototype',
      { openapi: '3.1.0', paths: { '/a': { $ref: '#/constructor' } } },
      /leads nowhere/,
    ],
    [
      'with a path that is not an object',
      { openapi: '3.1.0', paths: { '/a': 1 } },
      /must be an object/,
    ],
  ])('%s cannot be constructed', (_what, given, told) => {
    expect(() => openapiOperations(given)).toThrow(told);
  });
});

test.each<[string, string, string]>([
  ['/orders/:id', '/orders/{}', '/orders/{id}'],
  ['/orders/:id(\\d+)', '/orders/{}', '/orders/{id}'],
  ['/orders/:id([(]x[)])/y', '/orders/{}/y', '/orders/{id}/y'],
  ['/orders/:id{[0-9]{2}}', '/orders/{}', '/orders/{id}'],
  ['/orders/:id?', '/orders/{}', '/orders/{id}'],
  ['/orders{/:id}', '/orders/{}', '/orders/{id}'],
  ['/files/*', '/files/{}', '/files/{wildcard1}'],
  ['/files/*rest', '/files/{}', '/files/{rest}'],
  ['/a/:b-:c/', '/a/{}-{}', '/a/{b}-{c}'],
  ['/orders/{orderId}', '/orders/{}', '/orders/{orderId}'],
  ['/', '/', '/'],
])('the path %s is one template in every notation', (path, template, openapi) => {
  expect(templateOf(`GET ${path}`)).toBe(`GET ${template}`);
  expect(openapiPath(path)).toBe(openapi);
});

test('a path of a hundred thousand open brackets is read in linear time', () => {
  const path = `/:a${'('.repeat(100_000)}`;
  expect(openapiPath(path)).toBe('/{a}');
});

test('names that are not paths stay as they are', () => {
  expect(templateOf('Query.orders')).toBe('Query.orders');
  expect(templateOf('/shop.v1.Orders/List')).toBe('/shop.v1.Orders/List');
});
