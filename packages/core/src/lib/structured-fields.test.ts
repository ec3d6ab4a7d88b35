import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { parseDictionary, parseItem, parseList } from './parse-structured-fields.ts';
import {
  type BareItem,
  type Dictionary,
  type Item,
  type List,
  type Member,
  type Parameters,
  serializeDictionary,
  serializeList,
  serializeMember,
} from './structured-fields.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

interface Vector {
  readonly name: string;
  readonly raw?: readonly string[];
  readonly header_type: 'item' | 'list' | 'dictionary';
  readonly expected?: Json;
  readonly must_fail?: boolean;
  readonly can_fail?: boolean;
  readonly canonical?: readonly string[];
}

const folder = join(VECTORS, 'structured-fields');

function vectorsIn(path: string): readonly Vector[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) =>
      (JSON.parse(readFileSync(join(path, file), 'utf8')) as readonly Vector[]).map((vector) => ({
        ...vector,
        name: `${file}: ${vector.name}`,
      })),
    );
}

/** A field of one of the three kinds, parsed and written again. */
function rewritten(vector: Vector, text: string): string | undefined {
  if (vector.header_type === 'list') {
    const list = parseList(text);
    return list && serializeList(list);
  }
  if (vector.header_type === 'dictionary') {
    const dictionary = parseDictionary(text);
    return dictionary && serializeDictionary(dictionary);
  }
  const item = parseItem(text);
  return item && serializeMember(item);
}

function base32(text: string): Uint8Array {
  const bits = text
    .replaceAll('=', '')
    .replace(/./g, (char) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'),
    );
  return Uint8Array.from(bits.match(/[01]{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

// The vectors are JSON, whose shape their README describes.
function bareOf(json: Json): BareItem {
  if (typeof json === 'number') {
    return { type: Number.isInteger(json) ? 'integer' : 'decimal', value: json };
  }
  if (typeof json === 'string') return { type: 'string', value: json };
  if (typeof json === 'boolean') return { type: 'boolean', value: json };
  const { __type, value } = json as { __type: string; value: string };
  if (__type === 'binary') return { type: 'bytes', value: base32(value) };
  const type = __type === 'displaystring' ? 'display' : __type;
  return { type, value } as unknown as BareItem;
}

function paramsOf(json: Json): Parameters {
  return new Map((json as [string, Json][]).map(([key, value]) => [key, bareOf(value)]));
}

function memberOf(json: Json): Member {
  const [value, params] = json as [Json, Json];
  return Array.isArray(value)
    ? { items: value.map((each) => memberOf(each) as never), params: paramsOf(params) }
    : { bare: bareOf(value), params: paramsOf(params) };
}

function serialized({ header_type, expected }: Vector): string | undefined {
  if (header_type === 'item') return serializeMember(memberOf(expected as Json));
  const members = expected as readonly Json[];
  return header_type === 'list'
    ? serializeList(members.map(memberOf))
    : serializeDictionary(
        new Map((members as [string, Json][]).map(([key, value]) => [key, memberOf(value)])),
      );
}

/** What parsing gives, in the terms of the vectors; a decimal may lose its point in JSON. */
function plain(field: Member | List | Dictionary | undefined): unknown {
  const bare = ({ type, value }: BareItem): unknown =>
    type === 'integer' || type === 'decimal' ? { number: value } : { type, value };
  const params = (all: Parameters): unknown => [...all].map(([key, value]) => [key, bare(value)]);
  const member = (each: Member): unknown =>
    'bare' in each
      ? [bare(each.bare), params(each.params)]
      : [each.items.map(member), params(each.params)];
  if (field === undefined) return undefined;
  if (field instanceof Map)
    return [...(field as Dictionary)].map(([key, each]) => [key, member(each)]);
  return Array.isArray(field) ? (field as List).map(member) : member(field as Member);
}

const present = existsSync(folder);

describe.skipIf(!present)('published vectors', () => {
  test('are all there', () => {
    expect(vectorsIn(folder).length).toBe(1_591);
    expect(vectorsIn(join(folder, 'serialisation-tests')).length).toBe(544);
  });

  const parse = { list: parseList, dictionary: parseDictionary, item: parseItem };
  test.each(vectorsIn(folder))('parse $name', (vector) => {
    const { raw = [], must_fail, can_fail, expected, canonical, header_type } = vector;
    const text = raw.join(', ');
    const parsed = parse[header_type](text);
    if (must_fail) return expect(parsed).toBeUndefined();
    if (can_fail && parsed === undefined) return;
    const wanted = parseWanted(header_type, expected as Json);
    expect(plain(parsed)).toEqual(plain(wanted));
    expect(rewritten(vector, text)).toBe((canonical ?? raw).join(', '));
  });

  test.each(vectorsIn(join(folder, 'serialisation-tests')))('serialise $name', (vector) => {
    if (vector.must_fail) expect(serialized(vector)).toBeUndefined();
    else expect(serialized(vector)).toBe(vector.canonical?.join(', '));
  });
});

function parseWanted(type: Vector['header_type'], expected: Json): Member | List | Dictionary {
  if (type === 'item') return memberOf(expected);
  const members = expected as readonly Json[];
  if (type === 'list') return members.map(memberOf);
  return new Map((members as [string, Json][]).map(([key, value]) => [key, memberOf(value)]));
}

const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,9}$/);
const bare: fc.Arbitrary<BareItem> = fc.oneof(
  fc.integer({ min: -1e9, max: 1e9 }).map((value) => ({ type: 'integer' as const, value })),
  fc.integer({ min: -1e9, max: 1e9 }).map((value) => ({
    type: 'decimal' as const,
    value: value / 1000,
  })),
  fc.integer({ min: -1e9, max: 1e10 }).map((value) => ({ type: 'date' as const, value })),
  fc.stringMatching(/^[\x20-\x7e]{0,20}$/).map((value) => ({ type: 'string' as const, value })),
  fc.string({ unit: 'binary' }).map((value) => ({ type: 'display' as const, value })),
  fc.stringMatching(/^[A-Za-z*][a-z:/%]{0,9}$/).map((value) => ({ type: 'token' as const, value })),
  fc.uint8Array({ maxLength: 40 }).map((value) => ({ type: 'bytes' as const, value })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
);
const params = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((all) => new Map(all));
const item = fc.record({ bare, params });
const member = fc.oneof(item, fc.record({ items: fc.array(item, { maxLength: 4 }), params }));

describe('written fields read back as they were', () => {
  // Of an integral decimal only the point tells that it is one; -0 is written as 0.
  const same = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  test('lists', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (list) => {
        const text = serializeList(list);
        if (text === undefined) throw new Error('was not written');
        expect(same(plain(parseList(text)))).toEqual(same(plain(list)));
      }),
    );
  });

  test('dictionaries', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, member), { maxLength: 6 }), (entries) => {
        const dictionary = new Map(entries);
        const text = serializeDictionary(dictionary);
        if (text === undefined) throw new Error('was not written');
        expect(same(plain(parseDictionary(text)))).toEqual(same(plain(dictionary)));
      }),
    );
  });
});

test('a key that is there twice counts once, or denies the field', () => {
  expect(parseDictionary('a=1, b, a=2')?.get('a')).toMatchObject({ bare: { value: 2 } });
  expect(parseDictionary('a=1, b, a=2', 'deny')).toBeUndefined();
  expect(parseDictionary('a=1, b, c=2', 'deny')?.size).toBe(3);
});

test('any text is read or denied, never thrown at, and what is read can be written', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'a1"\\:?@%();=, .-*\tä'.split('')) }),
  );
  fc.assert(
    fc.property(text, (raw) => {
      const list = parseList(raw);
      if (list) expect(serializeList(list)).toBeDefined();
      const dictionary = parseDictionary(raw);
      if (dictionary) expect(serializeDictionary(dictionary)).toBeDefined();
      const one = parseItem(raw);
      if (one) expect(serializeMember(one)).toBeDefined();
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['a long string', `"${'a'.repeat(100_000)}"`],
  ['a long string of escapes', `"${'\\\\'.repeat(50_000)}"`],
  ['a long token', 'a'.repeat(100_000)],
  ['a long display string', `%"${'%c3%bc'.repeat(20_000)}"`],
])('%s is read', (_, text) => {
  expect(parseItem(text)).toBeDefined();
});

test.each([
  ['a string without an end', `"${'a'.repeat(100_000)}`],
  ['a number without an end', '1'.repeat(100_000)],
  ['brackets without an end', '('.repeat(100_000)],
  ['parameters without keys', `a${';'.repeat(100_000)}`],
  ['spaces without a value', ' '.repeat(100_000)],
])('%s is denied', (_, text) => {
  expect(parseItem(text)).toBeUndefined();
});

test.each(['(@)', '(a;)', '(a; )', '(a;b=@)', 'a;b=@', 'a;b=', '@', '@1.5', '?', '?2', '-', '1.'])(
  '%s is read neither as an item nor as a list',
  (text) => {
    expect(parseItem(text)).toBeUndefined();
    expect(parseList(text)).toBeUndefined();
    expect(parseList(`1, ${text}`)).toBeUndefined();
    expect(parseDictionary(`a=${text}`)).toBeUndefined();
  },
);

test('a byte order mark is a character of a display string, read and written', () => {
  const text = '%"%ef%bb%bfa"';
  const item = parseItem(text) as Item;
  expect(item.bare).toEqual({ type: 'display', value: '\ufeffa' });
  expect(serializeMember(item)).toBe(text);
});

test.each([
  [-0.0001, '0.0'],
  [-0.0005, '0.0'],
  [-0.001, '-0.001'],
  [0, '0.0'],
  [-0, '0.0'],
  [999_999_999_999.999, '999999999999.999'],
  [1e12, undefined],
])('the decimal %s is written as %s', (value, text) => {
  expect(serializeMember({ bare: { type: 'decimal', value }, params: new Map() })).toBe(text);
});

test('a dictionary with a value that cannot be written is not written', () => {
  const bare: BareItem = { type: 'integer', value: 0.5 };
  expect(serializeDictionary(new Map([['a', { bare, params: new Map() }]]))).toBeUndefined();
  expect(
    serializeDictionary(
      new Map([['a', { bare: { type: 'boolean', value: true }, params: new Map([['b', bare]]) }]]),
    ),
  ).toBeUndefined();
});

test.each([
  ['a string beyond ASCII', { type: 'string', value: 'ä' }],
  ['a token of two words', { type: 'token', value: 'a b' }],
  ['an empty token', { type: 'token', value: '' }],
  ['an integer that is a fraction', { type: 'integer', value: 1.5 }],
  ['an integer of 16 digits', { type: 'integer', value: 1e15 }],
  ['a number that is none', { type: 'decimal', value: Number.NaN }],
  ['a number without end', { type: 'decimal', value: Number.POSITIVE_INFINITY }],
  ['a date that is a fraction', { type: 'date', value: 0.5 }],
  ['half a character', { type: 'display', value: '\ud800' }],
] satisfies readonly (readonly [string, BareItem])[])('%s cannot be written', (_, value) => {
  expect(serializeMember({ bare: value, params: new Map() })).toBeUndefined();
  expect(serializeList([{ items: [{ bare: value, params: new Map() }], params: new Map() }])).toBe(
    undefined,
  );
  expect(
    serializeMember({ bare: { type: 'integer', value: 1 }, params: new Map([['a', value]]) }),
  ).toBe(undefined);
});
