import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { parseJsonBody, parseStrictJson, parseStrictObject } from './strict-json.ts';

describe('parseStrictJson', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
        expect(parseStrictJson(new TextEncoder().encode(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        parseStrictJson(bytes);
      }),
    );
  });

  test.each([
    ['a member that is there twice', '{"a":1,"a":1}'],
    ['a member that is there twice, once escaped', '{"a":1,"\\u0061":2}'],
    // Covers: V1.5.3
    ['a member that is there twice, deep inside', '{"x":[{"y":{"a":1,"b":2,"a":3}}]}'],
    ['a member that is there twice, around a nested object', '{"a":{"b":1},"c":[1],"a":2}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['the empty name twice', '{"":1,"":2}'],
    ['a number above every double', '{"exp":1e400}'],
    ['a negative one', '[-1e400]'],
    ['a number with too many digits', `[1${'0'.repeat(400)}]`],
    ['half a surrogate pair', '{"sub":"\\ud800"}'],
    ['half a surrogate pair in a name', '{"\\udc00":1}'],
    ['too deep nesting of lists', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['too deep nesting of objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['nesting that is never closed', '['.repeat(100_000)],
    ['a byte order mark', '\ufeff{}'],
    ['two values', '{}{}'],
    ['nothing', ''],
    ['a comment', '{}//'],
    ['NaN', '{"a":NaN}'],
  ])('denies %s', (_name, text) => {
    expect(parseStrictJson(text)).toBeUndefined();
    expect(parseStrictJson(new TextEncoder().encode(text))).toBeUndefined();
  });

  test.each<[string, string]>([
    ['the same name in two objects', '[{"a":1},{"a":1},{"a":{"a":1}}]'],
    ['names that look alike with quotes and commas', '{"a":"a\\"","b":",","\\"a":"{\\"a\\":1"}'],
    ['a value that ends in backslashes', '{"a":"\\\\","b":"\\\\\\\\"}'],
    ['names that differ in case', '{"a":1,"A":2}'],
    ['the largest double', '[1.7976931348623157e308, -0.5e-10]'],
    ['a whole surrogate pair', '{"sub":"\\ud83d\\ude00"}'],
    ['nesting as deep as allowed', `${'['.repeat(32)}${']'.repeat(32)}`],
  ])('takes %s', (_name, text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['bytes that are no UTF-8', [0x22, 0xff, 0x22]],
    ['an overlong encoding', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('denies %s', (_name, bytes) => {
    expect(parseStrictJson(new Uint8Array(bytes))).toBeUndefined();
  });

  test('__proto__ is a member like any other', () => {
    const value = parseStrictObject('{"__proto__":{"admin":true}}');
    expect(Object.keys(value ?? {})).toEqual(['__proto__']);
    expect((value as { admin?: unknown }).admin).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  test.each(['[]', '"a"', '1', 'null', 'true'])('%s is no object', (text) => {
    expect(parseStrictObject(text)).toBeUndefined();
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });
});

describe('parseJsonBody', () => {
  test.each(['{"a":1,"a":1}', '[{"a":{"b":1,"\\u0062":2}}]', '{"n":1e400}', '{', ''])(
    'throws for %s',
    (text) => {
      expect(() => parseJsonBody(text)).toThrow(SyntaxError);
    },
  );

  test('reads what is nested 512 levels deep, and throws for more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJsonBody(nested(512))).toEqual(JSON.parse(nested(512)));
    expect(() => parseJsonBody(nested(513))).toThrow(SyntaxError);
  });

  test('reads anything else as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJsonBody(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

const file = join(VECTORS, 'json-strictness/jsontestsuite.json');

describe.skipIf(!existsSync(file))('published vectors (JSONTestSuite)', () => {
  const cases: { name: string; set: string; expect: string; bytes_b64: string }[] = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : [];
  // Well-formed, but read differently by different parsers: denied on purpose.
  const ambiguous = ['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json'];

  test.each(cases)('$set/$name', ({ name, expect: wanted, bytes_b64 }) => {
    const read = parseStrictJson(new Uint8Array(Buffer.from(bytes_b64, 'base64')));
    if (wanted === 'reject' || ambiguous.includes(name)) expect(read).toBeUndefined();
    else if (wanted === 'accept') expect(read).not.toBeUndefined();
  });
});
