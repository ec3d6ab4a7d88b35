import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Challenge, Denial, DenialKind } from '../engine/denial.ts';
import { httpDenial, httpStatus, retryAfterOf, serializeChallenges } from './http.ts';

const kinds = Object.keys(httpStatus) as DenialKind[];

/** Any UTF-16, lone surrogates and control characters included. */
const text = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));

/** Any denial that a policy of plain JavaScript could make up, with a cause that nobody may see. */
const denials: fc.Arbitrary<Denial> = fc.record(
  {
    kind: fc.constantFrom(...kinds),
    code: fc.string(),
    detail: text,
    challenges: fc.array(
      fc.record({
        scheme: fc.oneof(fc.constantFrom('Bearer', 'DPoP'), text),
        params: fc.dictionary(text, text),
      }),
    ),
    retryAfterMs: fc.double(),
    problem: fc.record({
      type: fc.webUrl(),
      title: fc.string(),
      extensions: fc.dictionary(fc.string(), fc.oneof(fc.anything(), fc.bigInt())),
    }),
    cause: fc.constant(new Error('s3cret')),
  },
  { requiredKeys: ['kind', 'code', 'cause'] },
);

describe('httpDenial', () => {
  test.each<[DenialKind, number]>([
    ['malformed', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['timeout', 408],
    ['gone', 410],
    ['too_large', 413],
    ['unsupported', 415],
    ['rate_limited', 429],
    ['internal', 500],
    ['upstream', 502],
    ['unavailable', 503],
  ])('%s is %i', (kind, status) => {
    const { body, ...denial } = httpDenial({ kind, code: 'a.b' });
    expect(denial.status).toBe(status);
    expect(JSON.parse(body ?? '')).toMatchObject({ type: 'about:blank', status, code: 'a.b' });
    expect(kinds).toContain(kind);
  });

  test('whatever a denial holds, the answer can be sent, is a denial and hides the cause', () => {
    fc.assert(
      fc.property(denials, (denial) => {
        const { status, headers, body } = httpDenial(denial);
        expect(status).toBe(httpStatus[denial.kind]);
        // Headers itself denies whatever could end a line.
        const sent = new Headers(headers.map(([name, value]) => [name, value]));
        expect([...sent.keys()].toSorted()).toEqual(headers.map(([name]) => name).toSorted());
        for (const [, value] of headers) expect(value).toMatch(/^[\x20-\x7e]+$/);
        expect(JSON.stringify([body, headers])).not.toContain('s3cret');
        expect(JSON.parse(body ?? '')).toMatchObject({ status, code: denial.code });
      }),
    );
  });

  test('extensions are shown, but never in place of what is defined', () => {
    const extensions = { limit: 10, status: 200, code: 'fine', detail: 'fine' };
    const { body } = httpDenial({
      kind: 'rate_limited',
      code: 'limit.exceeded',
      detail: 'Too many.',
      problem: { type: 'https://example.com/quota', title: 'Quota', extensions },
    });
    expect(JSON.parse(body ?? '')).toEqual({
      limit: 10,
      type: 'https://example.com/quota',
      title: 'Quota',
      status: 429,
      detail: 'Too many.',
      code: 'limit.exceeded',
    });
  });

  test('extensions that are not JSON are left out, and the denial stands', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const extensions of [circle, { big: 1n }]) {
      const { body } = httpDenial({ kind: 'forbidden', code: 'a.b', problem: { extensions } });
      expect(JSON.parse(body ?? '')).toMatchObject({ status: 403, code: 'a.b' });
    }
  });

  test('an answer has its status and nothing else', () => {
    const answer = { status: 204 } as const;
    expect(httpDenial({ kind: 'forbidden', code: 'cors.preflight', answer })).toEqual({
      status: 204,
      headers: [],
      body: undefined,
    });
    const forged = { status: 200 } as unknown as typeof answer;
    expect(httpDenial({ kind: 'forbidden', code: 'a.b', answer: forged }).status).toBe(204);
  });

  test('a 401 always has a challenge, a 403 only where it was given one', () => {
    const challenge = (denial: Denial) =>
      httpDenial(denial).headers.find(([name]) => name === 'www-authenticate')?.[1];
    expect(challenge({ kind: 'unauthenticated', code: 'a.b' })).toBe('Bearer');
    expect(challenge({ kind: 'forbidden', code: 'a.b' })).toBeUndefined();
    const broken = [{ scheme: 'Bea rer' }, { scheme: '' }];
    expect(challenge({ kind: 'unauthenticated', code: 'a.b', challenges: broken })).toBe('Bearer');
  });
});

describe('serializeChallenges', () => {
  test.each<[string, Challenge[], string]>([
    ['a scheme alone', [{ scheme: 'Bearer' }], 'Bearer'],
    [
      'parameters',
      [{ scheme: 'Bearer', params: { error: 'invalid_token', scope: 'a b' } }],
      'Bearer error="invalid_token", scope="a b"',
    ],
    [
      'two schemes',
      [{ scheme: 'Bearer' }, { scheme: 'DPoP', params: { algs: 'ES256' } }],
      'Bearer, DPoP algs="ES256"',
    ],
    [
      'a quote and a backslash',
      [{ scheme: 'Bearer', params: { error: 'a"b\\c' } }],
      'Bearer error="abc"',
    ],
    [
      'a line break',
      [{ scheme: 'Bearer', params: { error: 'a\r\nset-cookie: b' } }],
      'Bearer error="aset-cookie: b"',
    ],
    [
      'a name that is none',
      [{ scheme: 'Bearer', params: { 'a="b", c': 'd', e: 'f' } }],
      'Bearer e="f"',
    ],
    [
      'a value that is none',
      [{ scheme: 'Bearer', params: { a: 1 as never, e: 'f' } }],
      'Bearer e="f"',
    ],
  ])('%s', (_name, challenges, value) => {
    expect(serializeChallenges(challenges)).toBe(value);
  });
});

describe('retryAfterOf', () => {
  test.each<[string, number | undefined, DenialKind, number | undefined]>([
    ['whole seconds', 7_000, 'rate_limited', 7],
    ['a fraction, rounded up', 7_010, 'rate_limited', 8],
    ['almost nothing', 1, 'rate_limited', 1],
    ['nothing', 0, 'rate_limited', 1],
    ['less than nothing', -5_000, 'rate_limited', 1],
    ['not a number', Number.NaN, 'rate_limited', undefined],
    ['for ever', Number.POSITIVE_INFINITY, 'rate_limited', undefined],
    ['longer than any client can read', 1e300, 'rate_limited', 2_147_483_647],
    ['not said', undefined, 'rate_limited', undefined],
    ['not said by broken infrastructure', undefined, 'unavailable', 5],
    ['said by broken infrastructure', 30_000, 'unavailable', 30],
  ])('%s', (_name, retryAfterMs, kind, seconds) => {
    expect(retryAfterOf({ kind, code: 'a.b', retryAfterMs })).toBe(seconds);
  });
});
