import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestText } from './digest.ts';

/** UTF-16 with the high byte first. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

test('a digest of a text is SHA-256 of its code units, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { maxLength: 100 }), (units) => {
      const text = String.fromCharCode(...units);
      expect(digestText(text)).toBe(createHash('sha256').update(bytesOf(text)).digest('hex'));
    }),
  );
});

test.each([0, 1, 27, 28, 31, 32, 33, 8_193, 100_000])(
  'a digest of %d equal characters is SHA-256',
  (length) => {
    const text = 'x'.repeat(length);
    expect(digestText(text)).toBe(createHash('sha256').update(bytesOf(text)).digest('hex'));
  },
);

test('two lone surrogates have two digests', () => {
  expect(digestText('\ud800')).not.toBe(digestText('\udfff'));
});
