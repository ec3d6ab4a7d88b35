import type { HeaderEdit } from '@apisec/core';
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { editMetadata } from './metadata.ts';

const set = (name: string, value: string): HeaderEdit => Object.freeze({ op: 'set', name, value });
const append = (name: string, value: string): HeaderEdit =>
  Object.freeze({ op: 'append', name, value });
const drop = (name: string): HeaderEdit => Object.freeze({ op: 'delete', name });
const frozen = (...edits: HeaderEdit[]): readonly HeaderEdit[] => Object.freeze(edits);

const always = frozen(set('cache-control', 'no-store'), append('vary', 'Origin'), drop('server'));
const later = frozen(set('cache-control', 'private'), append('vary', 'Accept'));

describe('header edits become response metadata', () => {
  test.each<[string, (readonly HeaderEdit[])[], Record<string, string>]>([
    ['one list', [always], { 'cache-control': 'no-store', vary: 'Origin' }],
    ['two lists', [always, later], { 'cache-control': 'private', vary: 'Origin, Accept' }],
    [
      'the same two the other way round',
      [later, always],
      { 'cache-control': 'no-store', vary: 'Accept, Origin' },
    ],
    ['one list twice', [always, always], { 'cache-control': 'no-store', vary: 'Origin, Origin' }],
    [
      'a list of this call between two of all calls',
      [always, [set('ratelimit', 'r=1'), drop('cache-control')], later],
      { 'cache-control': 'private', vary: 'Origin, Accept', ratelimit: 'r=1' },
    ],
    ['no list', [], {}],
  ])('of %s, in each call', (_, lists, expected) => {
    for (let call = 0; call < 3; call++) {
      expect(editMetadata(lists)().getMap()).toEqual(expected);
    }
  });

  test('which belongs to its call alone', () => {
    const first = editMetadata([always, later])();
    first.set('cache-control', 'max-age=60');
    first.add('vary', 'Cookie');
    const edit = editMetadata([always, later]);
    expect(edit().getMap()).toEqual({ 'cache-control': 'private', vary: 'Origin, Accept' });
    expect(edit().getMap()).toEqual({ 'cache-control': 'private', vary: 'Origin, Accept' });
  });

  test('and keep what the handler has set', () => {
    const own = new Metadata();
    own.set('cache-control', 'max-age=60');
    own.set('vary', 'Cookie');
    const edited = editMetadata([always])(own).getMap();
    expect(edited).toEqual({ 'cache-control': 'max-age=60', vary: 'Cookie, Origin' });
    expect(own.getMap()).toEqual({ 'cache-control': 'max-age=60', vary: 'Cookie' });
  });
});

describe('a list that may change is not cached', () => {
  test('a list that is not frozen', () => {
    const list = [set('x-id', '0')];
    editMetadata([list]);
    list[0] = set('x-id', '1');
    expect(editMetadata([list])().getMap()).toEqual({ 'x-id': '1' });
  });

  test('an edit that is not frozen', () => {
    const edit = { op: 'set', name: 'x-id', value: '0' } as const;
    const list = frozen(edit);
    editMetadata([list]);
    Object.assign(edit, { value: '1' });
    expect(editMetadata([list])().getMap()).toEqual({ 'x-id': '1' });
  });

  test.each<[string, (edit: { readonly value: string }) => HeaderEdit]>([
    [
      'an edit with an accessor',
      (edit) =>
        Object.freeze({
          op: 'set',
          name: 'x-id',
          get value() {
            return edit.value;
          },
        }),
    ],
    [
      'an edit that inherits its value',
      // It has the other two members.
      (edit) => Object.freeze(Object.assign(Object.create(edit), { op: 'set', name: 'x-id' })),
    ],
  ])('%s', (_, editOf) => {
    const source = { value: '0' };
    const list = frozen(editOf(source));
    editMetadata([list]);
    source.value = '1';
    expect(editMetadata([list])().getMap()).toEqual({ 'x-id': '1' });
  });
});

test('an edit that metadata cannot carry throws in each call', () => {
  const list = frozen(set('x-id', 'a\nb'));
  expect(() => editMetadata([list])).toThrow('illegal characters');
  expect(() => editMetadata([list])).toThrow('illegal characters');
});
