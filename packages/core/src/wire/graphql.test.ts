import { expect, test } from 'vitest';
import type { DenialKind } from '../engine/denial.ts';
import { graphqlCode, graphqlDenial } from './graphql.ts';
import { httpStatus } from './http.ts';

test('every kind of denial has a code', () => {
  expect(Object.keys(graphqlCode).toSorted()).toEqual(Object.keys(httpStatus).toSorted());
  for (const [kind, code] of Object.entries(graphqlCode)) {
    const { extensions } = graphqlDenial({ kind: kind as DenialKind, code: 'a.b' });
    expect(extensions).toEqual({
      code,
      reason: 'a.b',
      ...(kind === 'unavailable' && { retryAfter: 5 }),
    });
  }
});

test('the message is the detail, or the code; never the cause', () => {
  const cause = new Error('s3cret');
  expect(graphqlDenial({ kind: 'forbidden', code: 'a.b', detail: 'No.', cause }).message).toBe(
    'No.',
  );
  const denial = graphqlDenial({ kind: 'forbidden', code: 'a.b', cause });
  expect(denial.message).toBe('a.b');
  expect(JSON.stringify(denial)).not.toContain('s3cret');
});

test('extensions are shown, but never in place of what is defined, and only as JSON', () => {
  const extensions = { limit: 10, code: 'FINE', reason: 'fine' };
  const shown = graphqlDenial({
    kind: 'rate_limited',
    code: 'a.b',
    retryAfterMs: 1_500,
    problem: { extensions },
  });
  expect(shown.extensions).toEqual({
    limit: 10,
    code: 'RATE_LIMITED',
    reason: 'a.b',
    retryAfter: 1.5,
  });
  const big = graphqlDenial({
    kind: 'forbidden',
    code: 'a.b',
    problem: { extensions: { n: 1n } },
  });
  expect(big.extensions).toEqual({ code: 'FORBIDDEN', reason: 'a.b' });
});
