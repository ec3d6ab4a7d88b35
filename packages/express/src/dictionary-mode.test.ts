import { describe, expect, test } from 'vitest';
import { isDictionary } from '../test/is-dictionary.ts';
import { preferDictionary, profitsFromDictionaries, toDictionary } from './dictionary-mode.ts';

/** Any object that others inherit from, as `app.response` is one. */
const prototype = {};
const adopt = <T extends object>(object: T): T => Object.setPrototypeOf(object, prototype) as T;

/** What is said of an object from outside, but for the order of its properties. */
const described = (object: object) => ({
  own: Object.getOwnPropertyDescriptors(object),
  prototype: Object.getPrototypeOf(object) as object,
  extensible: Object.isExtensible(object),
});

test('a dictionary has the same properties as before', () => {
  const hidden = { value: 1, writable: true, configurable: true, enumerable: false };
  const make = () =>
    adopt(Object.defineProperties({ a: 1, b: [2], c: 3 }, { d: hidden, e: hidden }));
  for (const key of ['b', 'd']) {
    const object = make();
    toDictionary(object, key);
    expect(isDictionary(object)).toBe(true);
    expect(described(object)).toStrictEqual(described(make()));
  }
});

test('a property that could not be put back is left alone', () => {
  const get = () => 2;
  const three = () => adopt({ a: 1, b: 2, c: 3 });
  const objects = [
    Object.preventExtensions(three()),
    Object.defineProperty(three(), 'b', { get }),
    Object.defineProperty(three(), 'b', { writable: false }),
    Object.defineProperty(three(), 'b', { configurable: false }),
    Object.create(three()) as object,
    adopt({ a: 1, c: 3 }),
  ];
  for (const object of objects) {
    const before = described(object);
    const wasOne = isDictionary(object);
    toDictionary(object, 'b');
    expect(described(object)).toStrictEqual(before);
    expect(isDictionary(object)).toBe(wasOne);
  }
});

test('an object with the prototype of its class, or none, is left alone', () => {
  class Plain {
    a = 1;
    b = 2;
    c = 3;
  }
  const object = new Plain();
  toDictionary(object, 'b');
  expect(isDictionary(object)).toBe(false);
  const orphan = Object.setPrototypeOf({ a: 1, b: 2, c: 3 }, null) as object;
  toDictionary(orphan, 'b');
  expect(Object.keys(orphan)).toEqual(['a', 'b', 'c']);
});

test('an object is made a dictionary where this engine profits from it', () => {
  const object = adopt({ a: 1, b: 2, c: 3 });
  preferDictionary(object, 'b');
  expect(isDictionary(object)).toBe(profitsFromDictionaries(process.versions));
});

describe('which runtimes benefit', () => {
  test.each([
    ['Node 20', { v8: '11.3.244.8-node.38' }, true],
    ['Node 22', { v8: '12.4.254.21-node.33' }, true],
    ['Node 24', { v8: '13.6.233.10-node.28' }, false],
    ['Node 26', { v8: '14.3.127.12-node.3' }, false],
    ['Bun, which tells a version of V8', { v8: '12.4.254.14-node.12', bun: '1.2.0' }, false],
    ['an engine that tells none', {}, false],
  ])('%s', (_, engine, expected) => {
    expect(profitsFromDictionaries(engine)).toBe(expected);
  });
});
