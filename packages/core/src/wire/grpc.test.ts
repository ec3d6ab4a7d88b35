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
  const { metadata, retryAfter } = grpcDenial({
    kind: 'unauthenticated',
    code: 'token.expired',
    retryAfter: 0.5,
    challenges: [{ scheme: 'Bearer', params: { error: 'invalid_token' } }],
  });
  expect(retryAfter).toBe(0.5);
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
