import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { portableSha256All, sha256All } from './sha256.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digest = async (text: string): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));

describe.each([
  ['of this runtime', sha256All],
  ['written out', portableSha256All],
])('SHA-256 %s', (_name, hashAll) => {
  test('gives the digest of FIPS 180-4 for "abc"', () => {
    expect(hex(hashAll(['abc']))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  test('agrees with WebCrypto at each length around the ends of blocks', async () => {
    const texts = Array.from({ length: 200 }, (_, length) => 'x'.repeat(length));
    const wanted = await Promise.all(texts.map(digest));
    expect(hex(hashAll(texts))).toBe(wanted.join(''));
  });

  test('agrees with WebCrypto whatever the texts are, one behind the other', async () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('𝒳ä\ud800')), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(texts, fc.nat({ max: 5_000 }), async (some, long) => {
        const all = ['y'.repeat(long), ...some];
        expect(hex(hashAll(all))).toBe((await Promise.all(all.map(digest))).join(''));
      }),
    );
  });
});

test.each<[string, unknown]>([
  ['has no such function', undefined],
  ['answers something else', { hash: () => 'e3b0c442' }],
  [
    'throws',
    {
      hash: () => {
        throw new TypeError('not implemented');
      },
    },
  ],
])('a runtime that %s hashes all the same', async (_what, crypto) => {
  vi.resetModules();
  const ask = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never);
  try {
    const { sha256All: hashAll } = await import('./sha256.ts');
    expect(hex(hashAll(['abc', '']))).toBe(hex(portableSha256All(['abc', ''])));
    expect(ask).toHaveBeenCalledWith('node:crypto');
  } finally {
    ask.mockRestore();
    vi.resetModules();
  }
});
