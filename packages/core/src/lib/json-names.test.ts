import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { addName, beginObject, jsonNames, sameName } from './json-names.ts';
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
    ['the same, once with an escape', '[{"a":1,"b":2},{"\\u0061":1,"b":2},{"a":1,"b":2}]'],
    ['with an escaped quote, then without', '[{"a\\"":1},{"a":1,"a\\"":2},{"a":1}]'],
    ['with a backslash at the end', '[{"a\\\\":1},{"a\\\\":1,"a\\"":2},{"a\\\\\\"":1}]'],
  ])('%s', (_, text) => {
    expect(scanned(text)).toBeUndefined();
  });

  test.each([
    ['the first one again', '[{"a":1,"b":2},{"a":1,"b":2,"a":3}]'],
    ['the one before again', '[{"a":1,"b":2},{"a":1,"a":2}]'],
    ['a new one twice', '[{"a":1},{"a":1,"c":2,"c":3}]'],
    ['one of a longer row before, twice', '[{"a":1,"b":2,"c":3},{"c":1,"a":2,"c":3}]'],
    ['one with escapes, written in two ways', '{"\\u0022\\ud83d\\ude00\\/":1,"\\"😀/":2}'],
    ['one with escapes of each length', '{"\\u00e9\\u20ac\\t":1,"é€\\u0009":2}'],
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
    addName(names, bytes('ab'), 0, 2);
    beginObject(names);
    return names;
  };

  test('is recognised in place, and where it ends', () => {
    expect(sameName(before(), bytes('{"ab":1}'), 2)).toBe(4);
  });

  test.each(['{"abc":1}', '{"a":1}', '{"xb":1}', '{"ax":1}', '{"ab', '{"'])(
    'is not taken for the one in %s',
    (text) => {
      expect(sameName(before(), bytes(text), 2)).toBe(-1);
    },
  );

  test('is not taken for a second one of this row', () => {
    const names = before();
    expect(sameName(names, bytes('ab"'), 0)).toBe(2);
    expect(sameName(names, bytes('ab"'), 0)).toBe(-1);
    expect(addName(names, bytes('ab'), 0, 2)).toBe(false);
  });
});

test('names of any length are told apart by their last byte', () => {
  for (const length of [1_023, 1_024, 1_025, 3_000]) {
    const name = 'x'.repeat(length);
    expect(scanned(`{"${name}a":1,"${name}b":2}`)).toBeUndefined();
    expect(scanned(`{"${name}a":1,"${name}a":2}`)).toBe('duplicate_key');
  }
});

/** Names in UTF-8 of the same FNV-1a hash: after each of two equal parts the state is the same. */
function colliding(pairs: number): readonly string[] {
  let state = 0x811c9dc5;
  let names = [''];
  for (let pair = 0; pair < pairs; pair++) {
    const seen = new Map<number, string>();
    for (let at = 0; ; at++) {
      // Multiplied, so that parts differ in all of their characters.
      const part = (Math.imul(at, 0x9e3779b1) >>> 0).toString(36).padStart(7, '0');
      let hash = state;
      for (const char of part) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
      const other = seen.get(hash);
      seen.set(hash, part);
      if (other === undefined) continue;
      names = names.flatMap((name) => [name + other, name + part]);
      state = hash;
      break;
    }
  }
  return names;
}

test('names that were chosen for their hashes are compared in linear time', () => {
  const names = colliding(13);
  const row = names.map((name) => `"${name}":0`).join(',');
  expect(new Set(names).size).toBe(8_192);
  // Comparing each with each takes more than a second.
  expect(cpuMs(() => expect(scanned(`{${row}}`)).toBeUndefined())).toBeLessThan(500);
  expect(scanned(`{${row},"${names[4_999]}":0}`)).toBe('duplicate_key');
});
