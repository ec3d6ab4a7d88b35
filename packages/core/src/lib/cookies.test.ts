import { describe, expect, test } from 'vitest';
import { ConfigurationError } from './configuration-error.ts';
import { cookieJar, REPEATED_COOKIE, readCookie, readCookies } from './cookies.ts';

describe('one cookie', () => {
  test.each([
    ['a=1', '1'],
    ['b=2; a=1', '1'],
    ['b=2;a=1 ;c=3', '1'],
    ['a=', ''],
    ['a=1=2', '1=2'],
    ['xa=2; a=1', '1'],
    ['b=a; a=1', '1'],
    ['b="a=2"', undefined],
    ['a', undefined],
    ['A=1', undefined],
    ['ab=1', undefined],
    ['', undefined],
    [undefined, undefined],
    ['a=1; a=1', REPEATED_COOKIE],
    ['a=1, a=2', REPEATED_COOKIE],
    ['a=1;\ta=2', REPEATED_COOKIE],
    // A value may hold commas: another host of the site could write a cookie into one of its own.
    ['b=1, a=1', REPEATED_COOKIE],
    ['b=1,a=1', REPEATED_COOKIE],
    ['b=1,\ta=1; c=2', REPEATED_COOKIE],
    // Browsers see no prefix in these, so another host of the site may set them.
    ['\u00a0a=1', undefined],
    ['b=1; \u00a0a=1', undefined],
    ['b=1;\u000ba=1', undefined],
    [`a=1; b=${'x'.repeat(70_000)}`, REPEATED_COOKIE],
    [`c=1; b=${'x'.repeat(70_000)}`, undefined],
    [`a=1; b=${'x'.repeat(65_536 - 7)}`, '1'],
    [`a=1; b=${'x'.repeat(65_536 - 6)}`, REPEATED_COOKIE],
  ])('in %j is %j', (header, value) => {
    expect(readCookie(header?.slice(0, 80_000), 'a')).toBe(value);
  });
});

test('cookies that begin alike come with all their values, and others do not', () => {
  const found = readCookies('login.a=1; login.b=2; login.a=3; session=4; xlogin.c=5', 'login.');
  expect([...found]).toEqual([
    ['login.a', ['1', '3']],
    ['login.b', ['2']],
  ]);
});

test('cookies that begin alike are read without the space around them, and only with a value', () => {
  const found = readCookies('login.a= 1 ; login.b; login.a=\t2 ; login.', 'login.');
  expect([...found]).toEqual([['login.a', ['1', '2']]]);
});

test('a header that is missing or too long has no cookies that begin alike', () => {
  const long = (length: number) => `login.a=1; b=${'x'.repeat(length - 13)}`;
  expect(readCookies(long(65_536), 'login.').size).toBe(1);
  for (const header of [long(65_537), '', null, undefined]) {
    expect(readCookies(header, 'login.').size).toBe(0);
  }
});

test('cookies whose names only look alike to a reader who is generous with spaces do not come', () => {
  const header =
    '\u00a0login.a=1; \u000blogin.b=2; LOGIN.c=3; x=1, login.d=4; \tlogin.e=5 ; login.f =6';
  expect([...readCookies(header, 'login.')]).toEqual([
    ['login.e', ['5']],
    ['login.f', ['6']],
  ]);
});

describe('a jar', () => {
  test('sets cookies for this host alone, out of reach of scripts and of plain HTTP', () => {
    const jar = cookieJar('test', 'session', 'Strict', false);
    const attributes = 'Path=/; HttpOnly; SameSite=Strict; Secure';
    expect(jar.set('v')).toBe(`__Host-Http-session=v; ${attributes}`);
    expect(jar.set('v', 60)).toBe(`__Host-Http-session=v; ${attributes}; Max-Age=60`);
    expect(jar.clear()).toBe(`__Host-Http-session=; ${attributes}; Max-Age=0`);
  });

  test('sets the same without TLS where that was asked for', () => {
    const jar = cookieJar('test', 'session', 'Lax', true);
    expect(jar.set('v')).toBe('session=v; Path=/; HttpOnly; SameSite=Lax');
  });

  test.each(['', 'a b', 'a;b', 'a=b', '__Host-a', 'a'.repeat(81)])(
    'cannot be constructed with the name %j',
    (name) => {
      expect(() => cookieJar('test', name, 'Lax', false)).toThrow(ConfigurationError);
    },
  );
});
