import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { isJsonType, isUtf8, isXmlType, parseMediaType } from './media-type.ts';

describe('a media type', () => {
  test.each([
    ['application/json', 'application/json', {}],
    ['Application/JSON', 'application/json', {}],
    ['application/json;', 'application/json', {}],
    ['application/json; charset=UTF-8', 'application/json', { charset: 'UTF-8' }],
    ['application/json ;charset="utf-8"; a=b', 'application/json', { charset: 'utf-8', a: 'b' }],
    ['application/vnd.api+json', 'application/vnd.api+json', {}],
    [
      'multipart/form-data; boundary="gc0pJq0M:08jU534c0p"',
      'multipart/form-data',
      { boundary: 'gc0pJq0M:08jU534c0p' },
    ],
    ['text/plain; __proto__=x', 'text/plain', { ['__proto__']: 'x' }],
  ])('%s is read', (value, essence, parameters) => {
    const read = parseMediaType(value);
    expect(read?.essence).toBe(essence);
    expect([...(read?.parameters ?? [])]).toEqual(Object.entries(parameters));
  });

  test.each([
    [''],
    ['json'],
    ['application/'],
    ['/json'],
    [' application/json'],
    ['application/json\ta'],
    ['application/json\t; charset=utf-8'],
    ['application/json a'],
    ['application/json; charset=utf-8; charset=utf-16'],
    ["multipart/form-data; boundary*=utf-8''y; boundary=x"],
    ['multipart/form-data; boundary=x; boundary*0=y'],
    ['application/json; charset'],
    ['application/json; charset=a b'],
    ['application/json; a="b'],
    ['application/json; a="b\\"c"'],
    ['text/plain, application/json'],
    ['text/plain; a=", application/json; b="'],
    ['*/*'],
    ['application/json\u0000'],
    ['application/jsön'],
    [`application/json; a=${'b'.repeat(600)}`],
  ])('%j is not one that everybody reads alike', (value) => {
    expect(parseMediaType(value)).toBeUndefined();
  });

  test('is read in linear time', () => {
    const msOf = (length: number): number =>
      cpuMs(() => {
        for (const part of ['; ', ' ', ';a=', '"', '; a="', ';;;'])
          parseMediaType(`a/b${part.repeat(length)}`);
      });
    msOf(100_000);
    const short = msOf(100_000);
    // Ten times the length; quadratic time would be a hundred times as long.
    expect(msOf(1_000_000)).toBeLessThan(50 * (short + 1));
  });

  test.each([
    ['application/json', true, false],
    ['application/problem+json', true, false],
    ['text/json', false, false],
    ['application/jsonx', false, false],
    ['text/xml', false, true],
    ['image/svg+xml', false, true],
    ['application/xml-dtd', false, true],
  ])('%s is JSON: %s, XML: %s', (value, json, xml) => {
    const read = parseMediaType(value);
    expect(read && [isJsonType(read), isXmlType(read)]).toEqual([json, xml]);
  });

  test.each([
    ['text/plain', true],
    ['text/plain; charset=utf8', true],
    ['text/plain; charset=utf-7', false],
    ['text/plain; charset=""', false],
  ])('%s is UTF-8: %s', (value, utf8) => {
    const read = parseMediaType(value);
    expect(read && isUtf8(read)).toBe(utf8);
  });
});
