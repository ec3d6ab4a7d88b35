import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { isSameAuthority, lacksHost, readAbsoluteTarget } from './request-target.ts';

describe('a target in absolute form', () => {
  test.each([
    ['http://a/b?c', 'a', '/b?c'],
    ['HTTPS://Api.Example.com/b', 'Api.Example.com', '/b'],
    ['http://a', 'a', '/'],
    ['http://a:80/', 'a:80', '/'],
    ['https://a:8443//b', 'a:8443', '//b'],
    ['http://a./b', 'a.', '/b'],
    ['http://127.0.0.1:3000/b', '127.0.0.1:3000', '/b'],
    ['http://[::1]:3000/b', '[::1]:3000', '/b'],
    ['http://[2001:DB8::a]/b', '[2001:DB8::a]', '/b'],
    ['http://a_b~c/d', 'a_b~c', '/d'],
  ])('%s is cut behind its authority', (target, authority, path) => {
    expect(readAbsoluteTarget(target)).toEqual({ authority, path });
  });

  test.each([
    ['/a'],
    ['*'],
    [''],
    ['a:80'],
    ['//a/b'],
    ['http://'],
    ['http:///b'],
    ['http:a/b'],
    ['http://?a'],
    ['http://:80/b'],
    ['http://a:/b'],
    ['http://a:80:90/b'],
    ['http://a:b/c'],
    ['http://user@a/b'],
    ['http://user:secret@a/b'],
    ['http://a?b/admin'],
    ['http://a#b/admin'],
    ['http://a;42/admin'],
    ['http://a\\b/c'],
    ['http://a%2Fb/c'],
    ['http://a, b/c'],
    ['http://[::1/b'],
    ['http://[::1]a/b'],
    ['http://[::1%25eth0]/b'],
    ['http://größe/b'],
    ['ftp://a/b'],
    ['javascript://a/b'],
    [' http://a/b'],
  ])('%s is not cut', (target) => {
    expect(readAbsoluteTarget(target)).toBeUndefined();
  });

  test('is read in linear time', () => {
    for (const text of ['a', '.', ':', '[', '@', ':1']) {
      expect(cpuMs(() => void readAbsoluteTarget(`http://${text.repeat(500_000)}`))).toBeLessThan(
        500,
      );
    }
  });
});

describe('two authorities', () => {
  test.each([
    ['a', 'a', true],
    ['Api.Example.com:3000', 'api.example.COM:3000', true],
    ['[::A]', '[::a]', true],
    ['a', 'b', false],
    // As written: what a default port is depends on the scheme, and what a dot at the end is on the resolver.
    ['a:80', 'a', false],
    ['a.', 'a', false],
    ['[::1]', '[0:0:0:0:0:0:0:1]', false],
    ['a', '', false],
    ['a', 'a, a', false],
    ['a', 'user@a', false],
  ])('%j and %j: %s', (one, other, same) => {
    expect(isSameAuthority(one, other)).toBe(same);
    expect(isSameAuthority(other, one)).toBe(same);
  });
});

test.each([
  ['of HTTP/1.1', { httpVersion: '1.1', headers: {} }, true],
  ['of HTTP/1.1 with an empty one', { httpVersion: '1.1', headers: { host: '' } }, false],
  ['of HTTP/1.1 with one', { httpVersion: '1.1', headers: { host: 'a' } }, false],
  ['of HTTP/1.0', { httpVersion: '1.0', headers: {} }, false],
  ['of HTTP/2', { httpVersion: '2.0', headers: {} }, false],
  ['that is made up', { headers: {} }, false],
])('a request %s lacks its host: %o', (_, request, lacks) => {
  expect(lacksHost(request)).toBe(lacks);
});
