import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DenialKind } from '../engine/denial.ts';
import { grpcCode, grpcDenial } from './grpc.ts';
import { httpStatus } from './http.ts';

test('every kind of denial has a code, and none of them is OK', () => {
  expect(Object.keys(grpcCode).toSorted()).toEqual(Object.keys(httpStatus).toSorted());
  for (const kind of Object.keys(grpcCode) as DenialKind[]) {
    expect(grpcDenial({ kind, code: 'a.b' }).code).toBeGreaterThan(0);
  }
});

test.each<[DenialKind, number]>([
  ['unauthenticated', 16],
  ['forbidden', 7],
  ['rate_limited', 8],
  ['too_large', 8],
  ['unavailable', 14],
  ['internal', 13],
  ['method_not_allowed', 12],
  ['timeout', 4],
  ['gone', 5],
  ['upstream', 14],
])('%s is %i', (kind, code) => {
  expect(grpcDenial({ kind, code: 'a.b' })).toMatchObject({
    code,
    message: 'a.b',
    errorInfo: { reason: 'a.b', domain: 'apisec' },
  });
});

test('challenge and delay go into the metadata', () => {
  const { metadata, retryAfterMs } = grpcDenial({
    kind: 'unauthenticated',
    code: 'token.expired',
    retryAfterMs: 500,
    challenges: [{ scheme: 'Bearer', params: { error: 'invalid_token' } }],
  });
  expect(retryAfterMs).toBe(500);
  expect(metadata).toEqual([
    ['www-authenticate', 'Bearer error="invalid_token"'],
    ['retry-after', '1'],
  ]);
});

/** Any UTF-16, lone surrogates and control characters included. */
const text = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));

test('whatever a denial holds, message and metadata are printable and hide the cause', () => {
  fc.assert(
    fc.property(text, text, text, text, (detail, scheme, name, value) => {
      const challenges = [{ scheme, params: { [name]: value } }];
      const cause = new Error('s3cret');
      const denial = grpcDenial({
        kind: 'unauthenticated',
        code: 'a.b',
        detail,
        challenges,
        cause,
      });
      expect(denial.message).toMatch(/^[\x20-\x7e]*$/);
      for (const [, entry] of denial.metadata) expect(entry).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.stringify(denial)).not.toContain('s3cret');
    }),
  );
});

const withExtensions = (extensions: Record<string, unknown>, type?: string) =>
  grpcDenial({
    kind: 'malformed',
    code: 'input.invalid',
    problem: { ...(type !== undefined && { type }), extensions },
  });

test.each<[string, unknown, readonly unknown[]]>([
  [
    'a pointer',
    { pointer: '#/items/0/amount', detail: 'is too small' },
    [{ field: 'items.0.amount', description: 'is too small' }],
  ],
  [
    'a pointer without #',
    { pointer: '/name', detail: 'is missing' },
    [{ field: 'name', description: 'is missing' }],
  ],
  [
    'a field and a message',
    { field: 'name', message: 'is missing' },
    [{ field: 'name', description: 'is missing' }],
  ],
  ['a path of keys', { path: ['items', 0] }, [{ field: 'items.0', description: '' }]],
  ['a path of something else', { path: ['items', {}] }, []],
  ['no field', { detail: 'is wrong' }, []],
  ['a field that is a number', { field: 1, detail: 'is wrong' }, []],
  ['a detail that is not a text', { field: 'name', detail: { a: 1 } }, []],
  ['a text for an error', 'name is wrong', []],
  ['null for an error', null, []],
])('an error of a problem with %s is a field violation where it can be', (_name, error, shown) => {
  expect(withExtensions({ errors: [error] }).fieldViolations).toEqual(shown);
});

test('field violations fit into trailers', () => {
  const error = { field: 'f'.repeat(1_000), detail: 'd'.repeat(1_000) };
  const { fieldViolations } = withExtensions({ errors: Array.from({ length: 100 }, () => error) });
  expect(fieldViolations).toHaveLength(20);
  expect(fieldViolations[0]).toEqual({ field: 'f'.repeat(100), description: 'd'.repeat(100) });
  expect(withExtensions({ errors: 'none' }).fieldViolations).toEqual([]);
});

test('limits that were exceeded are named, as far as they are texts', () => {
  expect(withExtensions({ 'violated-policies': ['day', 1, 'hour'] }).violated).toEqual([
    'day',
    'hour',
  ]);
  expect(withExtensions({ 'violated-policies': 'day' }).violated).toEqual([]);
});

test.each([
  ['https://api.example.com/problems/a.b', 'https://api.example.com/problems/a.b'],
  ['http://api.example.com/problems/a.b', undefined],
  ['about:blank', undefined],
  [undefined, undefined],
])('the help of a problem type %s is %s', (type, shown) => {
  expect(withExtensions({}, type).helpUrl).toBe(shown);
});
