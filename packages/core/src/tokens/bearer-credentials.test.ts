import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCredentials } from './bearer-credentials.ts';

const read = (value: string | null | undefined, schemes: ('Bearer' | 'DPoP')[] = ['Bearer']) =>
  readCredentials(value, schemes);

describe('readCredentials', () => {
  test.each([
    ['as RFC 6750 writes it', 'Bearer abc.def-ghi_jkl~+/=='],
    ['in lower case', 'bearer abc.def-ghi_jkl~+/=='],
    ['in upper case', 'BEARER abc.def-ghi_jkl~+/=='],
    ['with several spaces', 'Bearer   abc.def-ghi_jkl~+/=='],
  ])('reads a token %s', (_name, value) => {
    expect(read(value)).toEqual({
      kind: 'token',
      scheme: 'Bearer',
      token: 'abc.def-ghi_jkl~+/==',
    });
  });

  test.each<[string, string | null | undefined]>([
    ['no header', null],
    ['no header, as Node views say it', undefined],
    ['another scheme', 'Basic YTpi'],
    ['a scheme that begins alike', 'Bearerish abc'],
    ['a scheme with parameters', 'Digest username="a", realm="b"'],
    ['a scheme that is not asked for', 'DPoP abc'],
  ])('%s is no credentials', (_name, value) => {
    expect(read(value)).toEqual({ kind: 'missing' });
  });

  test.each([
    ['the scheme alone', 'Bearer'],
    ['a space inside the token', 'Bearer a b'],
    ['a tab for the space', 'Bearer\tabc'],
    ['a colon after the scheme', 'Bearer: abc'],
    ['a quoted token', 'Bearer "abc"'],
    ['padding inside', 'Bearer a=b'],
    ['a line break', 'Bearer abc\n'],
    ['a letter outside ASCII', 'Bearer äbc'],
    ['nothing', ''],
    ['no scheme', '=abc'],
    ['white space before', ' Bearer abc'],
    ['a repeated header whose first value is empty', ', Bearer abc'],
  ])('denies %s as malformed', (_name, value) => {
    expect(read(value)).toEqual({ kind: 'malformed' });
  });

  test.each([
    ['two of the same', 'Bearer a, Bearer b'],
    ['two of the same, joined tightly', 'Bearer a,Bearer b'],
    ['another scheme first', 'Basic YTpi, Bearer b'],
    ['another scheme with parameters first', 'Digest a="b", bearer c'],
    ['another scheme last', 'Bearer a, Basic YTpi'],
    ['an empty second one', 'Bearer a, '],
    ['two of another scheme', 'Basic YTpi, Basic Yzpk'],
  ])('denies a repeated header: %s', (_name, value) => {
    expect(read(value)).toEqual({ kind: 'repeated' });
  });

  test('reads the schemes it is asked for', () => {
    expect(read('dpop abc', ['Bearer', 'DPoP'])).toEqual({
      kind: 'token',
      scheme: 'DPoP',
      token: 'abc',
    });
  });

  test('never throws, and a token never holds anything but its alphabet', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (tail) => {
        const found = read(`Bearer ${tail}`);
        if (found.kind === 'token') expect(found.token).toMatch(/^[\w.~+/-]+=*$/);
      }),
    );
  });
});
