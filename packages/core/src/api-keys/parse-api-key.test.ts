import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { makeKey, randomId } from './api-key-format.ts';
import { apiKeyPattern, parseApiKey } from './parse-api-key.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const id = randomId();
const key = makeKey({ prefix: 'acme', environment: 'live', id });

const parts = fc.record({
  prefix: fc.stringMatching(/^[a-z][a-z0-9]{1,15}$/),
  environment: fc.stringMatching(/^[a-z][a-z0-9]{0,11}$/),
  id: fc.string({
    unit: fc.constantFrom(...BASE62.split('')),
    minLength: 16,
    maxLength: 16,
  }),
});

/** Code units of every kind, halves of surrogate pairs included. */
const texts = fc
  .array(fc.nat({ max: 0xffff }), { maxLength: 100 })
  .map((units) => String.fromCharCode(...units));

describe('parseApiKey', () => {
  test('reads the parts that are no secret', () => {
    expect(parseApiKey(key)).toEqual({ prefix: 'acme', environment: 'live', id });
    expect(key).toHaveLength('acme_live_'.length + 16 + 1 + 38);
  });

  test('knows a key that was made long ago: the format is a promise', () => {
    expect(
      parseApiKey('acme_live_0000000000000000_000000000000000000000000000000000f9ZJL'),
    ).toEqual({ prefix: 'acme', environment: 'live', id: '0000000000000000' });
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['a key with a space before it', ` ${key}`],
    ['a key with a line break behind it', `${key}\n`],
    ['two keys', `${key}, ${key}`],
    ['a key in quotes', `"${key}"`],
    ['a key without its last character', key.slice(0, -1)],
    ['a key with one character more', `${key}0`],
    ['a key with a letter that only looks the same', key.replace('a', 'а')],
    ['a key with another environment', key.replace('_live_', '_test_')],
    ['a key with another prefix', key.replace('acme_', 'evil_')],
    ['a prefix in capitals', key.replace('acme', 'ACME')],
    ['a part that is missing', key.replace('live_', '')],
    ['underscores alone', '_'.repeat(66)],
  ])('denies %s', (_name, text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a number', 7],
    ['an object that reads like a key', { toString: () => key, length: key.length }],
    ['a list', [key]],
  ])('denies %s', (_name, value) => {
    expect(parseApiKey(value as string)).toBeUndefined();
  });

  test('reads back every key that was made, whatever its parts', () => {
    fc.assert(
      fc.property(parts, (made) => {
        expect(parseApiKey(makeKey(made))).toEqual(made);
      }),
    );
  });

  test('different parts never make the same text', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        const body = (made: typeof one) => makeKey(made).slice(0, -38);
        expect(body(one) === body(other)).toBe(same);
      }),
    );
  });

  test('no secret is given twice', () => {
    const secrets = new Set(
      Array.from({ length: 10_000 }, () => makeKey({ prefix: 'acme', environment: 'live', id })),
    );
    expect(secrets.size).toBe(10_000);
  });

  test('every character of the alphabet is used alike', () => {
    const counts = new Map<string, number>();
    const texts = Array.from({ length: 4_000 }, randomId).join('');
    for (const char of texts) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 64,000 characters: about 1,032 of each, with a standard deviation of 32.
    for (const count of counts.values()) expect(Math.abs(count - 64_000 / 62)).toBeLessThan(260);
  });

  test('a single wrong character is found, wherever it is and whatever it is', () => {
    const missed: string[] = [];
    for (let at = 0; at < key.length; at++) {
      for (const char of `${BASE62}_-. é`) {
        const typo = key.slice(0, at) + char + key.slice(at + 1);
        if (typo !== key && parseApiKey(typo) !== undefined) missed.push(typo);
      }
    }
    expect(missed).toEqual([]);
  });

  test('two neighbours in the wrong order are found', () => {
    fc.assert(
      fc.property(parts, fc.nat({ max: 90 }), (made, position) => {
        const text = makeKey(made);
        const at = position % (text.length - 1);
        fc.pre(text[at] !== text[at + 1]);
        const swapped = `${text.slice(0, at)}${text[at + 1]}${text[at]}${text.slice(at + 2)}`;
        expect(parseApiKey(swapped)).toBeUndefined();
      }),
    );
  });

  test('whatever it is given, it answers', () => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.anything({ maxDepth: 1 })), (any) => {
        expect(parseApiKey(any as string)).toBeUndefined();
      }),
    );
  });

  test('a megabyte is denied by its length', () => {
    expect(parseApiKey(`acme_live_${'a'.repeat(1_000_000)}`)).toBeUndefined();
  });
});

describe('apiKeyPattern', () => {
  test('finds keys in text, which parseApiKey then confirms', () => {
    const text = `const a = "${key}"; // not acme_live_0_1 or acme_live_${'x'.repeat(16)}_${'y'.repeat(38)}`;
    const hits = text.match(new RegExp(apiKeyPattern('acme'), 'g')) ?? [];
    expect(hits).toHaveLength(2);
    expect(hits.filter((hit) => parseApiKey(hit))).toEqual([key]);
  });

  test('finds every prefix, or one environment only', () => {
    expect(new RegExp(apiKeyPattern()).test(key)).toBe(true);
    expect(new RegExp(apiKeyPattern('acme', 'test')).test(key)).toBe(false);
  });

  test('uses nothing that RE2 lacks', () => {
    expect(apiKeyPattern()).toBe(
      '[a-z][a-z0-9]{1,15}_[a-z][a-z0-9]{0,11}_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}',
    );
  });

  test.each(['A', 'a', 'a.*', 'x'.repeat(17), ''])('denies the prefix %j', (prefix) => {
    expect(() => apiKeyPattern(prefix)).toThrow(ConfigurationError);
  });
});
