import { expect, test } from 'vitest';
import { WatchedField } from './watched-field.ts';

const plain = { coordinate: 'User.email', source: { id: 1 }, args: { of: 'work' } };

test('a watched field reads like any other, and says which member was looked at', () => {
  const looks: string[] = [];
  const field = new WatchedField(plain, (name) => looks.push(name));
  expect(looks).toEqual([]);
  expect(field.source).toBe(plain.source);
  expect(field.args).toBe(plain.args);
  expect(field.coordinate).toBe(plain.coordinate);
  expect(looks).toEqual(['source', 'args', 'coordinate']);
});

test('a copy of a watched field has all of its members, and counts as a look at each', () => {
  const looks: string[] = [];
  const field = new WatchedField(plain, (name) => looks.push(name));
  expect(Object.assign({}, field)).toEqual(plain);
  expect(looks).toEqual(['coordinate', 'source', 'args']);
});
