import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url } from './base64url.ts';

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

describe('decodeBase64url', () => {
  test('gives back every sequence of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64url(encode(bytes))).toEqual(bytes);
      }),
    );
  });

  test('takes no second spelling of anything', () => {
    const nearly = fc.string({
      unit: fc.constantFrom(...Array.from('ABab01-_+/= \n.é\u{1F600}')),
      maxLength: 12,
    });
    fc.assert(
      fc.property(nearly, (text) => {
        const bytes = decodeBase64url(text);
        if (bytes !== undefined) expect(encode(bytes)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('cuts a part out of a longer text', () => {
    expect(decodeBase64url('!!Zm9v!!', 2, 6)).toEqual(new TextEncoder().encode('foo'));
    expect(decodeBase64url('Zm9vZg', 4, 6)).toEqual(new TextEncoder().encode('f'));
    expect(decodeBase64url('', 0, 0)).toEqual(new Uint8Array());
  });

  test('reads nothing of what stands behind the part', () => {
    for (const [start, end] of [
      [0, 5],
      [0, 1],
      [3, 8],
    ] as const) {
      expect(decodeBase64url('AAAAAAAAAAAA', start, end)).toBeUndefined();
    }
    expect(decodeBase64url('Zg9v', 0, 2)).toEqual(new TextEncoder().encode('f'));
    expect(decodeBase64url('Zm8v', 0, 3)).toEqual(new TextEncoder().encode('fo'));
  });

  test.each([
    ['a lone character', 'Z'],
    ['padding', 'Zg=='],
    ['bits that carry nothing, after one byte', 'Zh'],
    ['bits that carry nothing, after two bytes', 'Zm9'.replace('9', '-')],
    ['the other base64 alphabet', 'Zm+/'],
    ['white space', 'Zm 9v'],
    ['a line break at the end', 'Zm9v\n'],
    ['a letter that ends in the same byte', 'Zm9\u0176'],
  ])('denies %s', (_name, text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });
});
