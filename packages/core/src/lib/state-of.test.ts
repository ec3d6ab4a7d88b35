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

  test('does not show in JSON or among the keys of its object', () => {
    const holder = { a: 1 };
    stateOf<number>('test').set(holder, 1);
    expect(JSON.stringify(holder)).toBe('{"a":1}');
    expect(Object.keys(holder)).toEqual(['a']);
  });
});
