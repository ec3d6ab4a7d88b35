import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import { describe, expect, test } from 'vitest';
import { type HeaderEdit, listObligations } from '../engine/obligations.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { helmetHeaders } from './helmet-headers.ts';
import { type HstsOptions, hsts } from './hsts.ts';
import { pageHeaders } from './page-headers.ts';
import { type AllowedFeatures, permissionsPolicy } from './permissions-policy.ts';
import { type SecurityHeadersOptions, securityHeaders } from './security-headers.ts';

function edits(options?: SecurityHeadersOptions): readonly HeaderEdit[] {
  return listObligations(securityHeaders(options).always).flatMap(({ headers = [] }) => headers);
}

function headers(options?: SecurityHeadersOptions): Record<string, string> {
  return Object.fromEntries(
    edits(options).flatMap((edit) => (edit.op === 'delete' ? [] : [[edit.name, edit.value]])),
  );
}

describe('securityHeaders', () => {
  // Covers: V3.4.1, V3.4.4, V3.4.5, V3.4.6, V14.3.2
  test('the API preset lets a response be nothing but data', () => {
    expect(headers()).toEqual({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
  });

  test('the API preset takes less than 400 bytes of every answer', () => {
    const lines = Object.entries(headers()).map(([name, value]) => `${name}: ${value}\r\n`);
    expect(lines.join('').length).toBeLessThan(400);
  });

  test('the page preset lets a page load its own parts and keeps its origin in forms', () => {
    const page = headers(pageHeaders);
    expect(page['content-security-policy']).toContain("default-src 'self'");
    expect(page['cross-origin-opener-policy']).toBe('same-origin');
    expect(page['permissions-policy']).toMatch(/^(?:[a-z-]+=\(\)(?:, |$))+$/);
    expect(page['x-frame-options']).toBe('DENY');
    expect(page['referrer-policy']).toBe('strict-origin-when-cross-origin');
  });

  // Covers: V13.4.6
  test('removes headers that name the server software', () => {
    const deleted = (options?: SecurityHeadersOptions) =>
      edits(options).flatMap((edit) => (edit.op === 'delete' ? [edit.name] : []));
    expect(deleted()).toEqual(['x-powered-by', 'server']);
    expect(deleted({ remove: ['via'] })).toEqual(['via']);
    expect(deleted({ remove: [] })).toEqual([]);
  });

  test('every value can be overridden or left out, and the preset stays as it is', () => {
    expect(headers({ cacheControl: 'max-age=60' })['cache-control']).toBe('max-age=60');
    expect(headers({ xFrameOptions: 'DENY' })['x-frame-options']).toBe('DENY');
    expect(headers({ ...pageHeaders, xFrameOptions: false })).not.toHaveProperty('x-frame-options');
    expect(headers({ referrerPolicy: undefined })['referrer-policy']).toBe('no-referrer');
    expect(headers()['cache-control']).toBe('no-store');
  });

  // Covers: V3.4.7
  test('names where violations are reported', () => {
    const endpoints = {
      csp: 'https://reports.example.com/csp',
      nel: 'https://reports.example.com',
    };
    expect(headers({ reportingEndpoints: endpoints })['reporting-endpoints']).toBe(
      'csp="https://reports.example.com/csp", nel="https://reports.example.com/"',
    );
    expect(headers({ reportingEndpoints: {} })).not.toHaveProperty('reporting-endpoints');
  });

  test('the helmet preset sets and removes what helmet does, value by value', () => {
    const set: Record<string, string> = {};
    const removed: string[] = [];
    const response = {
      setHeader: (name: string, value: string) => void (set[name.toLowerCase()] = value),
      removeHeader: (name: string) => removed.push(name.toLowerCase()),
    };
    // helmet asks nothing else of either.
    helmet()({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
    expect(headers(helmetHeaders)).toEqual(set);
    const deleted = edits(helmetHeaders).filter(({ op }) => op === 'delete');
    expect(deleted.map(({ name }) => name)).toEqual(expect.arrayContaining(removed));
    expect(removed).toEqual(['x-powered-by']);
  });

  test.each<[string, SecurityHeadersOptions, string, string]>([
    [
      'HSTS by its parts',
      { strictTransportSecurity: hsts({ maxAge: '30d', includeSubDomains: false }) },
      'strict-transport-security',
      'max-age=2592000',
    ],
    [
      'HSTS for the preload list',
      { strictTransportSecurity: hsts({ maxAge: '730d', preload: true }) },
      'strict-transport-security',
      'max-age=63072000; includeSubDomains; preload',
    ],
    [
      'HSTS taken back',
      { strictTransportSecurity: hsts({ maxAge: '0s' }) },
      'strict-transport-security',
      'max-age=0; includeSubDomains',
    ],
    [
      'permissions by feature',
      {
        permissionsPolicy: 'camera=(), geolocation=(self "https://maps.example.com");report-to=geo',
        reportingEndpoints: { geo: 'https://reports.example.com' },
      },
      'permissions-policy',
      'camera=(), geolocation=(self "https://maps.example.com");report-to=geo',
    ],
    [
      'an isolated page',
      { ...pageHeaders, crossOriginEmbedderPolicy: 'credentialless' },
      'cross-origin-embedder-policy',
      'credentialless',
    ],
  ])('writes %s', (_name, options, header, value) => {
    expect(headers(options)[header]).toBe(value);
  });

  test('features that are named stand in place of those that are off', () => {
    const policy = headers({
      permissionsPolicy: permissionsPolicy({ fullscreen: '*' }),
    });
    expect(policy['permissions-policy']).toContain('fullscreen=*');
    expect(policy['permissions-policy']).toContain('camera=()');
    expect(policy['permissions-policy']).not.toContain('fullscreen=()');
  });

  test.each<[string, SecurityHeadersOptions]>([
    [
      'hosts that are called like keywords',
      { contentSecurityPolicy: "img-src 'self' self.example none.example" },
    ],
    [
      'a policy with blanks around it',
      { contentSecurityPolicy: " default-src 'none' ;img-src\t'self'; ".trim() },
    ],
    [
      'hashes and trusted types',
      { contentSecurityPolicy: "script-src 'sha256-AAAA'; trusted-types 'none'" },
    ],
    [
      'every rule for caches',
      {
        cacheControl:
          'public, max-age=60, s-maxage=600,stale-if-error=60, must-revalidate, no-transform, immutable',
      },
    ],
    ['an age in quotes', { strictTransportSecurity: 'max-age="60" ; includeSubDomains' }],
    [
      'a header that is not set and removed',
      { referrerPolicy: false, remove: ['referrer-policy'] },
    ],
  ])('takes %s', (_name, options) => {
    expect(() => securityHeaders(options)).not.toThrow();
  });

  test('is a static obligation of a check that denies nothing', () => {
    const policy = securityHeaders();
    expect(policy.role).toBe('check');
    expect(policy.check(new Request('https://api.example.com'), {})).toEqual({ ok: true });
    expect(edits().every((edit) => Object.isFrozen(edit))).toBe(true);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a line break in a value', { contentSecurityPolicy: "default-src 'none'\r\nset-cookie: a=b" }],
    ['a lone line feed', { referrerPolicy: 'no-referrer\n' }],
    ['a null character', { cacheControl: 'no-store\0' }],
    ['a letter outside ASCII', { cacheControl: 'no-störe' }],
    ['an empty value', { xFrameOptions: '' }],
    ['true', { xFrameOptions: true }],
    ['a preset by its name', { preset: 'page' }],
    [
      'preload in text, without subdomains',
      { strictTransportSecurity: 'max-age=63072000; preload' },
    ],
    ['a part of HSTS twice', { strictTransportSecurity: 'max-age=60; preload; preload' }],
    ['HSTS as parts', { strictTransportSecurity: { maxAge: '30d' } }],
    ['a feature for a token', { permissionsPolicy: 'camera=none' }],
    ['a feature list that does not end', { permissionsPolicy: 'camera=(self' }],
    ['permissions with an empty end', { permissionsPolicy: 'camera=(),' }],
    ['a misspelt option', { contentSecurityPolicies: false }],
    ['HSTS without its age', { strictTransportSecurity: 'includeSubDomains' }],
    ['preload in text, of less than a year', { strictTransportSecurity: 'max-age=60; preload' }],
    ['a directive that does not exist', { contentSecurityPolicy: "scripts-src 'self'" }],
    ['a directive twice', { contentSecurityPolicy: "img-src *; img-src 'none'" }],
    ['two policies in one', { contentSecurityPolicy: "img-src *, img-src 'none'" }],
    ['no directive at all', { contentSecurityPolicy: '; ;' }],
    ['a keyword without its quotes', { contentSecurityPolicy: 'default-src none' }],
    ['a keyword with one quote', { contentSecurityPolicy: "script-src 'self; img-src *" }],
    ['a nonce for all answers', { contentSecurityPolicy: "script-src 'nonce-r4nd0m'" }],
    ['a nonce without its quotes', { contentSecurityPolicy: 'script-src nonce-r4nd0m' }],
    ['a misspelt rule for caches', { cacheControl: 'no-stor' }],
    ['rules for caches without commas', { cacheControl: 'private no-cache' }],
    ['an age for caches that is not a number', { cacheControl: 'max-age=1h' }],
    ['a header that is set and removed', { xFrameOptions: 'DENY', remove: ['X-Frame-Options'] }],
    ['a header that is set by default and removed', { remove: ['referrer-policy'] }],
    ['sniffing', { xContentTypeOptions: 'sniff' }],
    ['a frame option that browsers ignore', { xFrameOptions: 'ALLOW-FROM https://a.example' }],
    ['a frame option in another spelling', { xFrameOptions: 'SAME-ORIGIN' }],
    ['a resource policy that does not exist', { crossOriginResourcePolicy: 'same' }],
    ['an opener policy that does not exist', { crossOriginOpenerPolicy: 'none' }],
    ['an embedder policy alone', { crossOriginEmbedderPolicy: 'require-corp' }],
    ['a referrer policy that tells everything', { referrerPolicy: 'unsafe-url' }],
    ['a referrer policy with an empty end', { referrerPolicy: 'no-referrer,' }],
    ['a referrer policy twice', { referrerPolicy: 'origin, same-origin, origin' }],
    ['a feature twice, of which the last one counts', { permissionsPolicy: 'camera=(), camera=*' }],
    ['an age for caches twice', { cacheControl: 'max-age=60, public, max-age=600' }],
    ['the old XSS filter', { xXssProtection: '1; mode=block' }],
    ['a feature policy of old', { permissionsPolicy: "camera 'none'; geolocation 'self'" }],
    ['a report that goes nowhere', { contentSecurityPolicy: "img-src 'self'; report-to csp" }],
    ['a header name with a space', { remove: ['x powered by'] }],
    ['an endpoint over http', { reportingEndpoints: { csp: 'http://reports.example.com' } }],
    ['an endpoint that is not a URL', { reportingEndpoints: { csp: '/reports' } }],
    ['an endpoint name with a quote', { reportingEndpoints: { 'a"': 'https://example.com' } }],
  ])('cannot be constructed with %s', (_name, options) => {
    expect(() => securityHeaders(options as SecurityHeadersOptions)).toThrow(ConfigurationError);
  });

  test('a quote in an endpoint URL cannot end the string', () => {
    const reportingEndpoints = { csp: 'https://reports.example.com/a"b?c"\\d#e"f' };
    expect(headers({ reportingEndpoints })['reporting-endpoints']).toBe(
      'csp="https://reports.example.com/a%22b?c%22%5Cd#e%22f"',
    );
  });
});

describe('hsts', () => {
  test.each<[string, object]>([
    ['preload of less than a year', { maxAge: '30d', preload: true }],
    ['preload without subdomains', { maxAge: '730d', preload: true, includeSubDomains: false }],
    ['an age without its unit', { maxAge: 63072000 }],
    ['an unknown option', { maxAge: '1d', subdomains: true }],
    ['a word for a switch', { maxAge: '1d', includeSubDomains: 'no' }],
  ])('cannot be constructed with %s', (_name, options) => {
    expect(() => hsts(options as HstsOptions)).toThrow(ConfigurationError);
  });
});

describe('permissionsPolicy', () => {
  test('turns off every powerful feature but those that are named', () => {
    const text = permissionsPolicy({ geolocation: ['self', 'https://Maps.example.com:443'] });
    expect(text).toContain('camera=(), ');
    expect(text).toContain('geolocation=(self "https://maps.example.com"), ');
    expect(permissionsPolicy({ 'x-new': [] })).toMatch(/, x-new=\(\)$/);
  });

  test.each<[string, object]>([
    ['a feature that cannot be one', { Camera: [] }],
    ['a feature for a bare host', { camera: ['maps.example.com'] }],
    ['a feature for a host that is not a name', { camera: ['https://;'] }],
    ['a feature that is not a list', { camera: 'self' }],
  ])('cannot be constructed with %s', (_name, allowed) => {
    expect(() => permissionsPolicy(allowed as AllowedFeatures)).toThrow(ConfigurationError);
  });
});
