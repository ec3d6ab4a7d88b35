import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import {
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './protected-resource-metadata.ts';

const resource = 'https://api.example.com';
const made = (options: Partial<ProtectedResourceMetadataOptions> = {}) =>
  protectedResourceMetadata({ resource, ...options });

describe('where it is found (RFC 9728 §3.1)', () => {
  const at = '/.well-known/oauth-protected-resource';
  test.each([
    ['https://api.example.com', at, ''],
    ['https://api.example.com/', at, ''],
    ['https://api.example.com/shop', `${at}/shop`, ''],
    ['https://api.example.com/shop/v1/', `${at}/shop/v1/`, ''],
    ['https://api.example.com:8443/shop', `${at}/shop`, ''],
    ['https://api.example.com/?k=v', at, '?k=v'],
    ['https://api.example.com/shop?k=v', `${at}/shop`, '?k=v'],
  ])('for %s', (each, path, search) => {
    const metadata = made({ resource: each });
    expect(metadata.path).toBe(path);
    expect(metadata.url).toBe(new URL(each).origin + path + search);
    expect(metadata.document['resource']).toBe(each);
  });
});

test('contains only the members that are configured', () => {
  expect(made().document).toEqual({ resource, bearer_methods_supported: ['header'] });
  const empty = made({
    scopes: [],
    authorizationServers: [],
    bearerMethods: [],
    dpopAlgorithms: [],
  });
  expect(empty.document).toEqual({ resource });
});

test('everything has the name of RFC 9728 §2', () => {
  const all = made({
    authorizationServers: ['https://id.example.com'],
    scopes: ['orders:read'],
    bearerMethods: ['header', 'body'],
    name: 'Shop',
    documentation: 'https://example.com/docs',
    policyUri: 'https://example.com/policy',
    termsOfServiceUri: 'https://example.com/terms',
    jwksUri: 'https://api.example.com/jwks',
    signingAlgorithms: ['ES256'],
    authorizationDetailsTypes: ['payment'],
    dpopAlgorithms: ['ES256', 'PS256'],
    dpopRequired: true,
    certificateBound: false,
    extra: { 'resource_name#de': 'Laden', resource: 'https://evil.example' },
  });
  expect(JSON.parse(all.json)).toEqual({
    resource,
    authorization_servers: ['https://id.example.com'],
    scopes_supported: ['orders:read'],
    bearer_methods_supported: ['header', 'body'],
    resource_name: 'Shop',
    'resource_name#de': 'Laden',
    resource_documentation: 'https://example.com/docs',
    resource_policy_uri: 'https://example.com/policy',
    resource_tos_uri: 'https://example.com/terms',
    jwks_uri: 'https://api.example.com/jwks',
    resource_signing_alg_values_supported: ['ES256'],
    authorization_details_types_supported: ['payment'],
    dpop_signing_alg_values_supported: ['ES256', 'PS256'],
    dpop_bound_access_tokens_required: true,
    tls_client_certificate_bound_access_tokens: false,
  });
});

describe('how it is served', () => {
  test('to GET, to anybody', async () => {
    const { handler, document } = made({ maxAge: '1m' });
    const response = handler(new Request('https://evil.example/x'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual(document);
  });

  test('to HEAD without a body', async () => {
    const response = made().handler({ method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'get', 'TRACE'])('not to %s', (method) => {
    const response = made().handler({ method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

test('challenges name it', async () => {
  const resourceMetadata = made({ resource: 'https://api.example.com/shop' }).url;
  const issuer = 'https://id.example.com';
  const policy = authenticateJwt({ issuer, audience: resource, resourceMetadata });
  const outcome = await policy.check(new Request(resource), {});
  const { headers } = httpDenial(outcome.ok ? expect.fail('passed') : outcome.denial);
  expect(new Map(headers).get('www-authenticate')).toBe(
    'Bearer realm="api", ' +
      'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/shop"',
  );
});

test('cannot be changed by its holder', () => {
  const scopes = ['a'];
  const metadata = made({ scopes });
  scopes.push('b');
  expect(metadata.document['scopes_supported']).toEqual(['a']);
  expect(() => (metadata.document['scopes_supported'] as string[]).push('b')).toThrow(TypeError);
});

test.each<[string, object]>([
  ['no resource', { resource: undefined }],
  ['a resource over http', { resource: 'http://api.example.com' }],
  ['a resource with a fragment', { resource: 'https://api.example.com/#a' }],
  ['a resource with a user', { resource: 'https://a@api.example.com' }],
  ['a path alone', { resource: '/orders' }],
  ['an issuer over http', { authorizationServers: ['http://id.example.com'] }],
  ['an issuer with a query', { authorizationServers: ['https://id.example.com?a=b'] }],
  ['documentation that is no URL', { documentation: 'docs' }],
  ['the algorithm none', { signingAlgorithms: ['none'] }],
  ['an unknown algorithm for proofs', { dpopAlgorithms: ['ES257'] }],
  ['an age that is no number', { maxAge: Number.NaN }],
])('cannot be constructed with %s', (_name, options) => {
  expect(() => made(options)).toThrow(ConfigurationError);
});
