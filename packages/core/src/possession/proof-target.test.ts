import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeTarget } from './proof-target.ts';

test.each([
  ['https://example.com', 'https://example.com/'],
  ['HTTPS://EXAMPLE.com:443/A?b#c', 'https://example.com/A'],
  ['http://example.com:80/', 'http://example.com/'],
  ['https://example.com:8443/', 'https://example.com:8443/'],
  ['https://[2001:DB8::1]/', 'https://[2001:db8::1]/'],
  ['https://example.com/%7e%41%2f%c3', 'https://example.com/~A%2F%C3'],
  ['https://example.com/a/./b/../c', 'https://example.com/a/c'],
  ['https://example.com/a/%2E%2e/c', 'https://example.com/c'],
  ['https://example.com/a@b', 'https://example.com/a@b'],
])('%s is %s', (uri, normal) => {
  expect(normalizeTarget(uri)).toBe(normal);
});

test.each([
  '',
  '/',
  'example.com',
  '//example.com/',
  'https:/example.com/',
  'https:example.com',
  'https:///example.com',
  'https://',
  'https://a@example.com/',
  'https://example.com\\a',
  'https://exam\nple.com/',
  'https://example.com/ü',
  'https://example.com/a b',
  'https://example.com:99999/',
  'ftp://example.com/',
  'javascript:alert(1)',
  'https://exa%20mple.com/',
  'https://example.com/%',
  'https://example.com/%2%65',
])('%j is no target', (uri) => {
  expect(normalizeTarget(uri)).toBeUndefined();
});

test('a normal target stays what it is, and nothing is thrown', () => {
  const uri = fc.oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.webPath().map((path) => `https://example.com${path}`),
    fc.string({ unit: 'binary' }),
    fc
      .string({ unit: fc.constantFrom('%', '2', '6', '5', 'e', '.', '/', ':', '@', 'a') })
      .map((rest) => `https://a/${rest}`),
  );
  fc.assert(
    fc.property(uri, (text) => {
      const normal = normalizeTarget(text);
      if (normal !== undefined) expect(normalizeTarget(normal)).toBe(normal);
    }),
  );
});
