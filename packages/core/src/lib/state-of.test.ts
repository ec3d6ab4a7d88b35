import { describe, expect, test } from 'vitest';
import { stateOf } from './state-of.ts';

describe('stateOf', () => {
  test.each([
    ['a plain object', () => ({})],
    ['a web request', () => new Request('https://api.example.com')],
    ['an object that cannot be extended', () => Object.freeze({})],
  ])('keeps what belongs to %s, and to it alone', (_, make) => {
    const state = stateOf<number>('test');
    const [holder, other] = [make(), make()];
    state.set(holder, 1);
    state.set(holder, 2);
    expect([state.get(holder), state.get(other)]).toEqual([2, undefined]);
  });

  test('is not shared between two kinds of state of one name', () => {
    const [one, other] = [stateOf<number>('test'), stateOf<number>('test')];
    const holder = {};
    one.set(holder, 1);
    expect(other.get(holder)).toBeUndefined();
  });

  test.each([
    ['a copy', (holder: object) => ({ ...holder })],
    ['an object that inherits from it', (holder: object) => Object.create(holder) as object],
  ])('is read from %s, which then goes its own way', (_, make) => {
    const [one, other] = [stateOf<number>('one'), stateOf<number>('other')];
    const holder = {};
    one.set(holder, 1);
    const second = make(holder);
    expect(one.get(second)).toBe(1);
    one.set(second, 2);
    other.set(second, 3);
    expect([one.get(holder), other.get(holder)]).toEqual([1, undefined]);
    expect([one.get(second), other.get(second)]).toEqual([2, 3]);
  });

  test.each([
    ['a copy', (holder: object) => Object.freeze({ ...holder })],
    [
      'an object that inherits from it',
      (holder: object) => Object.freeze(Object.create(holder) as object),
    ],
  ])('is its own from then on for %s that cannot be extended, too', (_, make) => {
    const state = stateOf<number>('test');
    const holder = {};
    state.set(holder, 1);
    const second = make(holder);
    expect(state.get(second)).toBe(1);
    state.set(second, 2);
    expect([state.get(holder), state.get(second)]).toEqual([1, 2]);
  });

  test('is the last one of an object that was frozen in between', () => {
    const state = stateOf<number>('test');
    const holder = {};
    state.set(holder, 1);
    state.set(Object.freeze(holder), 2);
    expect(state.get(holder)).toBe(2);
  });

  test('does not show in JSON or among the keys of its object', () => {
    const holder = { a: 1 };
    stateOf<number>('test').set(holder, 1);
    expect(JSON.stringify(holder)).toBe('{"a":1}');
    expect(Object.keys(holder)).toEqual(['a']);
  });
});
