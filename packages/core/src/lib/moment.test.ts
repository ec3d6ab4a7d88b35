import { expect, test } from 'vitest';
import { momentText, parseMoment } from './moment.ts';

test.each([
  ['2026-07-01', '2026-07-01T00:00:00.000Z'],
  ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ['2026-07-01T12:30Z', '2026-07-01T12:30:00.000Z'],
  ['2026-12-31T23:59:59Z', '2026-12-31T23:59:59.000Z'],
])('%s is a moment', (text, moment) => {
  expect(new Date(parseMoment(text) ?? 0).toISOString()).toBe(moment);
});

test.each<[unknown]>([
  ['2026-02-29'],
  ['2026-02-30'],
  ['2026-04-31T00:00:00Z'],
  ['2026-13-01'],
  ['2026-00-01'],
  ['2026-01-00'],
  ['2026-01-01T25:00Z'],
  ['2026-01-01T12:00'],
  ['2026-01-01T12:00:00+02:00'],
  ['2026-1-1'],
  ['01.07.2026'],
  ['Wed, 01 Jul 2026 00:00:00 GMT'],
  ['2026-07-01 '],
  [''],
  [1_782_864_000_000],
  [undefined],
])('%j is not', (value) => {
  expect(parseMoment(value)).toBeUndefined();
});

test.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [1e300, '1e+300'],
  [Number.NaN, 'NaN'],
])('%d reads %s', (at, text) => {
  expect(momentText(at)).toBe(text);
});
