import { describe, expect, test } from 'vitest';
import { jsonNames } from './json-names.ts';
import { jsonScan } from './scan-json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const bounds = { maxDepth: 8, maxKeys: 1e6, maxStringLength: 1e6, maxArrayLength: 1e6 };

function scanned(text: string): string | undefined {
  const scan = jsonScan(bounds);
  return scan.push(bytes(text)) ?? scan.end();
}

describe('names of the rows of a list', () => {
  test.each([
    ['the same', '[{"a":1,"b":2},{"a":1,"b":2}]'],
    ['in another order', '[{"a":1,"b":2},{"b":1,"a":2},{"a":1,"b":2}]'],
    ['longer than those before', '[{"a":1},{"ab":1},{"abc":1}]'],
    ['shorter than those before', '[{"abc":1},{"ab":1},{"a":1}]'],
    ['as long as those before', '[{"ab":1},{"ac":1},{"bc":1}]'],
    ['with a quote where another ends', '[{"a":1},{"a\\"":1},{"a\\"b":1},{"a":1}]'],
    ['fewer, then more', '[{"a":1,"b":2,"c":3},{"a":1},{"a":1,"c":2,"b":3}]'],
    ['none', '[{},{"a":1},{}]'],
  ])('%s', (_, text) => {
    expect(scanned(text)).toBeUndefined();
  });

  test.each([
    ['the first one again', '[{"a":1,"b":2},{"a":1,"b":2,"a":3}]'],
    ['the one before again', '[{"a":1,"b":2},{"a":1,"a":2}]'],
    ['a new one twice', '[{"a":1},{"a":1,"c":2,"c":3}]'],
    ['one of a longer row before, twice', '[{"a":1,"b":2,"c":3},{"c":1,"a":2,"c":3}]'],
    ['one twice, after an object within', '[{"a":{"b":1},"b":2},{"a":{"b":1},"b":2,"a":3}]'],
  ])('that are there twice are found: %s', (_, text) => {
    expect(scanned(text)).toBe('duplicate_key');
  });

  test.each([7, 8, 9, 10, 11, 20])('that are there twice are found among %i', (count) => {
    const names = Array.from({ length: count }, (_, at) => `n${at}`);
    const row = (all: readonly string[]) => `{${all.map((name) => `"${name}":1`).join(',')}}`;
    expect(scanned(`[${row(names)},${row(names)}]`)).toBeUndefined();
    for (const name of names) {
      expect(scanned(row([...names, name]))).toBe('duplicate_key');
      expect(scanned(`[${row(names)},${row([...names, name])}]`)).toBe('duplicate_key');
      expect(scanned(`[${row(names)},${row(names.toReversed())}]`)).toBeUndefined();
    }
  });
});

test('fifty thousand names of one object are compared in linear time', () => {
  const names = Array.from({ length: 50_000 }, (_, at) => `"n${at}":0`).join(',');
  expect(scanned(`{${names},"n49999":0}`)).toBe('duplicate_key');
});

describe('a name of the row before', () => {
  const before = () => {
    const names = jsonNames();
    names.open(0);
    names.add(0, bytes('ab'), bytes('ab'));
    names.open(0);
    return names;
  };

  test('is recognised in place, and where it ends', () => {
    expect(before().again(0, bytes('{"ab":1}'), 2)).toBe(4);
  });

  test.each(['{"abc":1}', '{"a":1}', '{"xb":1}', '{"ax":1}', '{"ab', '{"'])(
    'is not taken for the one in %s',
    (text) => {
      expect(before().again(0, bytes(text), 2)).toBe(-1);
    },
  );

  test('is not taken for a second one of this row', () => {
    const names = before();
    expect(names.again(0, bytes('ab"'), 0)).toBe(2);
    expect(names.again(0, bytes('ab"'), 0)).toBe(-1);
    expect(names.add(0, bytes('ab'), bytes('ab'))).toBe(false);
  });
});

test('names of any length are told apart by their last byte', () => {
  for (const length of [1_023, 1_024, 1_025, 3_000]) {
    const name = 'x'.repeat(length);
    expect(scanned(`{"${name}a":1,"${name}b":2}`)).toBeUndefined();
    expect(scanned(`{"${name}a":1,"${name}a":2}`)).toBe('duplicate_key');
  }
});
