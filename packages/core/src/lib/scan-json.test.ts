import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { jsonScan } from './scan-json.ts';
import { scanValue } from './scan-value.ts';
import { parseStrictJson } from './strict-json.ts';
import { utf8Check } from './utf8-check.ts';

const most = { maxDepth: 32, maxKeys: 1e9, maxStringLength: 1e9, maxArrayLength: 1e9 };
const encoder = new TextEncoder();

/** Bytes in pieces of these lengths, again and again. */
function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    // A copy that is spoiled afterwards, since chunks belong to somebody else.
    const piece = bytes.slice(at, at + length);
    yield piece;
    piece.fill(0x7b);
    at += length;
  }
}

function scanned(text: string, lengths: readonly number[], bounds = most) {
  const scan = jsonScan(bounds);
  for (const piece of pieces(encoder.encode(text), lengths)) {
    const problem = scan.push(piece);
    if (problem !== undefined) return problem;
  }
  return scan.end();
}

/** Strings as JSON may write them: escaped or not, also with what must be denied. */
const written = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'é',
      '€',
      '😀',
      '\\u0061',
      '\\"',
      '\\\\',
      '\\n',
      '\\ud83d\\ude00',
      '\\ud800',
    ),
    { maxLength: 4 },
  )
  .map((parts) => `"${parts.join('')}"`);
const space = fc.constantFrom('', ' ', '\n\t');
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    written,
    fc.constantFrom('0', '-1.5', '12e3', '1e400', '1.5e400', '9'.repeat(310), 'true', 'null'),
    fc.constantFrom('153.75', '0.25E-2', `${'9'.repeat(310)}.5`, `0.${'1'.repeat(310)}`),
    fc.tuple(space, fc.array(tie('json'), { maxLength: 4 })).map(([gap, values]) => {
      return `[${gap}${values.join(`,${gap}`)}]`;
    }),
    fc
      .tuple(space, fc.array(fc.tuple(written, tie('json')), { maxLength: 4 }))
      .map(
        ([gap, members]) =>
          `{${gap}${members.map(([name, value]) => `${name}${gap}:${value}`).join(',')}}`,
      ),
  ),
}));
const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

describe('jsonScan', () => {
  test('denies what the parser of tokens denies, wherever chunks are cut', () => {
    fc.assert(
      fc.property(json, lengths, (text, cuts) => {
        const isGood = parseStrictJson(text) !== undefined;
        expect(scanned(text, [1_000]) === undefined).toBe(isGood);
        expect(scanned(text, cuts) === undefined).toBe(isGood);
      }),
      { numRuns: 1_000 },
    );
  });

  test('holds to the same bounds as the look at the parsed value, wherever chunks are cut', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const bound = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(value, lengths, bound, bound, bound, bound, (parsed, cuts, ...all) => {
        const [maxDepth, maxKeys, maxStringLength, maxArrayLength] = all;
        const bounds = { maxDepth, maxKeys, maxStringLength, maxArrayLength };
        // Numbers have a length only as text.
        const text = JSON.stringify(parsed, (_, each: unknown) =>
          typeof each === 'number' ? 1 : each,
        );
        const passes = scanValue(JSON.parse(text), bounds, 1e9) === undefined;
        expect(scanned(text, cuts, bounds) === undefined).toBe(passes);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['a string', `"${'x'.repeat(3_000)}`, 'string_too_long'],
    ['a string of escapes', `"${'\\u0061'.repeat(3_000)}`, 'string_too_long'],
    ['a number', '1'.repeat(3_000), 'string_too_long'],
  ])('of %s that does not end keeps no more than may be there', (_name, text, problem) => {
    const scan = jsonScan({ ...most, maxStringLength: 100 });
    const bytes = encoder.encode(text);
    const seen: number[] = [];
    for (const piece of pieces(bytes, [10])) {
      seen.push(piece.length);
      if (scan.push(piece) === problem) break;
    }
    // At most six bytes for each code unit.
    expect(seen.length).toBeLessThanOrEqual(62);
  });

  test.each([
    ['characters of two bytes', 'é'.repeat(100)],
    ['of three', '€'.repeat(100)],
    ['of four, which are two code units', '😀'.repeat(50)],
    ['escapes', '\\u20ac'.repeat(100)],
  ])('counts code units of %s', (_name, text) => {
    for (const cuts of [[1], [7], [1_000]]) {
      expect(scanned(`"${text}"`, cuts, { ...most, maxStringLength: 100 })).toBeUndefined();
      expect(scanned(`"${text}"`, cuts, { ...most, maxStringLength: 99 })).toBe('string_too_long');
    }
  });

  /** As a Buffer of Node does it: a slice is no copy there. */
  class Viewed extends Uint8Array<ArrayBuffer> {
    override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
      return this.subarray(start, end);
    }
  }

  test.each([
    ['bytes', (chunk: Uint8Array) => chunk],
    [
      'bytes whose slices are no copies',
      (chunk: Uint8Array) => new Viewed(Uint8Array.from(chunk).buffer),
    ],
  ])('learns no names from %s that somebody writes to afterwards', (_name, wrap) => {
    const scan = jsonScan(most);
    const chunk = wrap(encoder.encode('[{"a":1},'));
    expect(scan.push(chunk)).toBeUndefined();
    chunk.fill(0x7b);
    expect(scan.push(encoder.encode('{"{":1,"{":2}]'))).toBe('duplicate_key');
  });

  test.each(['1.2.3', '1.5e999', '1.e', '1.-', `[${'9'.repeat(309)}.0]`])(
    'denies a number that no double can hold: %s',
    (text) => {
      expect(scanned(text, [1_000])).toBe('malformed');
      expect(scanned(text, [1])).toBe('malformed');
    },
  );

  test.each([
    '[-1.5,-0.25,0.5E+10,1e-7,true,false,null]',
    '{"a":-1,"b":true,"e":1e5}',
    `[1,${' '.repeat(400)}-2.5]`,
    `[${'1'.repeat(300)}]`,
  ])('passes %s', (text) => {
    expect(scanned(text, [1_000])).toBeUndefined();
    expect(scanned(text, [1])).toBeUndefined();
    expect(scanned(text, [3])).toBeUndefined();
  });

  test.each(['1-2', '--1', '[1e999,true]', '[1.5.5]', `[true,${'9'.repeat(310)}]`, '"\\ud800\\"'])(
    'denies %s wherever it is cut',
    (text) => {
      for (const length of [1, 2, 3, 1_000]) expect(scanned(text, [length])).toBe('malformed');
    },
  );

  test.each([['e'], [' '], ['-'], ['1e'], ['\\u12']])(
    '%s again and again takes linear time',
    (part) => {
      const text = part.repeat(500_000);
      expect(cpuMs(() => scanned(text, [65_536]))).toBeLessThan(1_000);
      expect(cpuMs(() => scanned(`"${text}`, [65_536]))).toBeLessThan(1_000);
    },
  );

  test.each(['\ufeff{}', '{}\u00a0', '{"a":1,\u2028"b":2}'])('denies %j', (text) => {
    expect(scanned(text, [1])).toBe('malformed');
  });
});

test.each([0, 1, 2, 3])('bytes that begin %i behind a word are looked at to the last', (offset) => {
  for (const length of [64, 65, 66, 67, 70]) {
    for (let at = 0; at < length; at++) {
      const bytes = new Uint8Array(80).subarray(offset, offset + length);
      expect(utf8Check().push(bytes)).toBe(true);
      bytes[at] = 0xff;
      expect(utf8Check().push(bytes)).toBe(false);
    }
  }
});

test('bytes in pieces are UTF-8 if they are as a whole', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encoder.encode(text)),
    fc.constant(encoder.encode('a'.repeat(70))),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 5 }),
      fc.integer({ min: 1, max: 200 }),
      (parts, length) => {
        const bytes = Uint8Array.from(parts.flatMap((each) => [...each]));
        const check = utf8Check();
        let isGood = true;
        for (const piece of pieces(bytes, [length, 3])) isGood &&= check.push(piece);
        isGood &&= check.end();
        let isText = true;
        try {
          new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        } catch {
          isText = false;
        }
        expect(isGood).toBe(isText);
      },
    ),
    { numRuns: 300 },
  );
});
