import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostileKeys } from '../testing/contract-case.ts';
import { type HashBits, keyedHash } from './keyed-hash.ts';

function hash(text: string, seed0 = 1, seed1 = 2): string {
  const bits: HashBits = { low: 0, high: 0 };
  keyedHash(text, seed0, seed1, bits);
  return `${bits.low} ${bits.high}`;
}

test('the same text and seed give the same bits, however the text was put together', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer(), (one, two, seed) => {
      expect(hash(one + two, seed)).toBe(hash(`-${one}${two}`.slice(1), seed));
    }),
  );
});

test('texts that differ differ, also by what pads or follows them', () => {
  const texts = [...hostileKeys, '', '\0', '\0\0', '\0\0\0', 'a\0', 'ab', 'ab\0', 'ab\0\0'];
  for (let index = 0; index < 20_000; index++) texts.push(`user-${index}`);
  const unique = new Set(texts);
  expect(new Set([...unique].map((text) => hash(text))).size).toBe(unique.size);
});

test('either seed moves every text, so places cannot be computed without it', () => {
  const places = (seed0: number, seed1: number): string =>
    Array.from({ length: 64 }, (_, index) => hash(`user-${index}`, seed0, seed1)).join();
  expect(new Set([places(1, 2), places(2, 2), places(1, 3), places(2, 1)]).size).toBe(4);
});

test('one changed bit changes about half of all bits', () => {
  let changed = 0;
  const bits = (text: string): HashBits => {
    const out = { low: 0, high: 0 };
    keyedHash(text, 11, 12, out);
    return out;
  };
  const ones = (word: number): number => (word >>> 0).toString(2).replaceAll('0', '').length;
  for (let index = 0; index < 500; index++) {
    const one = bits(`key-${index}-a`);
    const two = bits(`key-${index}-c`);
    changed += ones(one.low ^ two.low) + ones(one.high ^ two.high);
  }
  expect(changed / 500).toBeGreaterThan(31);
  expect(changed / 500).toBeLessThan(33);
});
