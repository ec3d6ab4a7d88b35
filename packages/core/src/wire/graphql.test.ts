import { expect, test } from 'vitest';
import type { DenialKind } from '../denial.ts';
import { graphqlCode, graphqlRefusal } from './graphql.ts';
import { httpStatus } from './http.ts';

test('every kind of refusal has a code', () => {
  expect(Object.keys(graphqlCode).toSorted()).toEqual(Object.keys(httpStatus).toSorted());
  for (const [kind, code] of Object.entries(graphqlCode)) {
    const { extensions } = graphqlRefusal({ kind: kind as DenialKind, code: 'a.b' });
    expect(extensions).toEqual({
      code,
      reason: 'a.b',
      ...(kind === 'unavailable' && { retryAfter: 5 }),
    });
  }
});

test('the message is the detail, or the code; never the cause', () => {
  const cause = new Error('s3cret');
  expect(graphqlRefusal({ kind: 'forbidden', code: 'a.b', detail: 'No.', cause }).message).toBe(
    'No.',
  );
  const refusal = graphqlRefusal({ kind: 'forbidden', code: 'a.b', cause });
  expect(refusal.message).toBe('a.b');
  expect(JSON.stringify(refusal)).not.toContain('s3cret');
});

test('extensions are shown, but never in place of what is defined, and only as JSON', () => {
  const extensions = { limit: 10, code: 'FINE', reason: 'fine' };
  const shown = graphqlRefusal({
    kind: 'rate_limited',
    code: 'a.b',
    retryAfter: 1.5,
    problem: { extensions },
  });
  expect(shown.extensions).toEqual({
    limit: 10,
    code: 'RATE_LIMITED',
    reason: 'a.b',
    retryAfter: 1.5,
  });
  const big = graphqlRefusal({
    kind: 'forbidden',
    code: 'a.b',
    problem: { extensions: { n: 1n } },
  });
  expect(big.extensions).toEqual({ code: 'FORBIDDEN', reason: 'a.b' });
});
