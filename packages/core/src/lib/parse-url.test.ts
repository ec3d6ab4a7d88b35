import { expect, test } from 'vitest';
import { parseUrl } from './parse-url.ts';

test.each([
  ['https://example.com/', undefined, 'https://example.com/'],
  ['http://ß', undefined, 'http://xn--zca/'],
  ['http://\u00ad1', undefined, 'http://0.0.0.1/'],
  ['/ß', 'https://example.com', 'https://example.com/%C3%9F'],
  ['http://ß%80', undefined, undefined],
  ['http://', undefined, undefined],
  ['/path', undefined, undefined],
  ['', undefined, undefined],
])('%s on %s is %s', (text, base, href) => {
  // As it comes from a header: one byte for each character.
  const latin1 = Buffer.from(text, 'latin1').toString('latin1');
  expect(parseUrl(latin1, base)?.href).toBe(href);
});
