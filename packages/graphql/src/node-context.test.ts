import { describe, expect, test } from 'vitest';
import { viewRequest } from './node-context.ts';

const http = {
  method: 'GET',
  headers: new Headers([['authorization', 'Bearer a']]),
  search: '?query={a}',
  body: undefined,
};

describe('the request that policies see', () => {
  test.each([
    ['Apollo alone', {}, '/?query={a}'],
    [
      'a Node request in the context',
      { req: { rawHeaders: [], url: '/api?query={a}' } },
      '/api?query={a}',
    ],
    [
      'an Express request behind a router',
      { req: { rawHeaders: [], url: '/', originalUrl: '/api/graphql' } },
      '/api/graphql',
    ],
    ['something else in its place', { req: 'GET /other' }, '/?query={a}'],
    ['nothing in its place', { req: null }, '/?query={a}'],
  ])('has its target from %s', (_, contextValue, url) => {
    expect(viewRequest(http, contextValue)).toMatchObject({ method: 'GET', url });
  });

  test('has every value of a repeated field, in any case', () => {
    const rawHeaders = [
      'authorization',
      'Bearer a',
      'X-Id',
      'authorization',
      'Authorization',
      'Bearer b',
    ];
    const { headers } = viewRequest(http, { req: { rawHeaders } });
    expect(headers.get('AUTHORIZATION')).toBe('Bearer a, Bearer b');
    expect(headers.has('Authorization')).toBe(true);
    expect(headers.get('cookie')).toBeNull();
  });

  test('leaves a field that came once as Apollo has it', () => {
    const rawHeaders = ['Authorization', 'Bearer raw'];
    const { headers } = viewRequest(http, { req: { rawHeaders } });
    expect(headers.get('authorization')).toBe('Bearer a');
  });

  test('is a POST without headers where there was none', () => {
    const { method, url, headers } = viewRequest(undefined, {});
    expect([method, url, headers.get('authorization'), headers.has('host')]).toEqual([
      'POST',
      '/',
      undefined,
      false,
    ]);
  });
});
