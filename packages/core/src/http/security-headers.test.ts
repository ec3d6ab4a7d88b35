import { describe, expect, test } from 'vitest';
import { type HeaderEdit, listObligations } from '../engine/obligations.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
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
    const page = headers({ preset: 'page' });
    expect(page['content-security-policy']).toContain("default-src 'self'");
    expect(page['cross-origin-opener-policy']).toBe('same-origin');
    expect(page['permissions-policy']).toMatch(/^(?:[a-z-]+=\(\)(?:, |$))+$/);
    expect(page['x-frame-options']).toBe('DENY');
    expect(page['referrer-policy']).toBe('strict-origin-when-cross-origin');
  });

  test('takes away what tells the server by name', () => {
    const deleted = (options?: SecurityHeadersOptions) =>
      edits(options).flatMap((edit) => (edit.op === 'delete' ? [edit.name] : []));
    expect(deleted()).toEqual(['x-powered-by', 'server']);
    expect(deleted({ remove: ['via'] })).toEqual(['via']);
    expect(deleted({ remove: [] })).toEqual([]);
  });

  test('every value can be overridden or left out, and the preset stays as it is', () => {
    expect(headers({ cacheControl: 'max-age=60' })['cache-control']).toBe('max-age=60');
    expect(headers({ xFrameOptions: 'DENY' })['x-frame-options']).toBe('DENY');
    expect(headers({ preset: 'page', xFrameOptions: false })).not.toHaveProperty('x-frame-options');
    expect(headers({ referrerPolicy: undefined })['referrer-policy']).toBe('no-referrer');
    expect(headers()['cache-control']).toBe('no-store');
  });

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

  test('is a static duty of a check that denies nothing', () => {
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
    ['an unknown preset', { preset: 'toString' }],
    ['a misspelt option', { contentSecurityPolicies: false }],
    ['a header name with a space', { remove: ['x powered by'] }],
    ['an endpoint over http', { reportingEndpoints: { csp: 'http://reports.example.com' } }],
    ['an endpoint that is no URL', { reportingEndpoints: { csp: '/reports' } }],
    ['an endpoint name with a quote', { reportingEndpoints: { 'a"': 'https://example.com' } }],
  ])('does not construct with %s', (_name, options) => {
    expect(() => securityHeaders(options as SecurityHeadersOptions)).toThrow(ConfigurationError);
  });

  test('a quote in an endpoint URL cannot end the string', () => {
    const reportingEndpoints = { csp: 'https://reports.example.com/a"b?c"\\d#e"f' };
    expect(headers({ reportingEndpoints })['reporting-endpoints']).toBe(
      'csp="https://reports.example.com/a%22b?c%22%5Cd#e%22f"',
    );
  });
});
