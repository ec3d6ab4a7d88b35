import { expect, test } from 'vitest';
import { forbiddenText } from './cases/decisions.ts';
import { PROBLEM_TYPES } from './credentials.ts';
import { CASE_HEADER } from './limit-policies.ts';
import type { CallSpec } from './subject.ts';
import type { Running } from './suite.ts';

const json = (text: string) => ({ type: 'application/json', text });

/** A call that goes wrong, and each answer that a host may give to it. */
type Failure = readonly [
  name: string,
  call: Pick<CallSpec, 'operation' | 'method' | 'body' | 'message'>,
  answers: Readonly<Record<number, string>>,
];

const UNLISTED = { 403: 'operation.unlisted' };

const failures: readonly Failure[] = [
  ['a handler that throws', { operation: 'handlerThrows' }, { 500: 'handler.threw' }],
  [
    'a handler that throws an error with a status',
    { operation: 'list', message: { amount: 409 } },
    { 409: 'http.conflict' },
  ],
  [
    'a handler that throws what is not an error',
    { operation: 'list', message: { amount: 501 } },
    { 500: 'handler.threw' },
  ],
  ['a path that nobody serves', { operation: 'nowhere' }, { ...UNLISTED, 404: 'http.not_found' }],
  [
    'a path that is not URL-encoded',
    { operation: '%zz' },
    { ...UNLISTED, 400: 'http.bad_request', 404: 'http.not_found' },
  ],
  [
    'a method that the path does not take',
    { operation: 'readOnly', message: { amount: 5 } },
    { ...UNLISTED, 404: 'http.not_found', 405: 'http.method_not_allowed' },
  ],
  [
    'a body that is too large',
    { operation: 'create', body: json(`{"amount":5,"pad":"${'x'.repeat(20_000)}"}`) },
    { 413: 'message.too_large' },
  ],
  [
    'a body of a type that nobody parses',
    { operation: 'create', body: { type: 'text/csv', text: 'amount' } },
    { 415: 'message.type_unsupported' },
  ],
  [
    'a body that is not JSON',
    { operation: 'create', body: json('{"amount":') },
    // The framework's own parser, or the reader of the adapter.
    { 400: expect.stringMatching(/^(?:http\.bad_request|message\.malformed)$/) as string },
  ],
];

/** Whatever goes wrong on an HTTP host, guard or not: problem details with an id, and nothing of the cause. */
export function describeProblems(get: () => Running): void {
  test.each(failures)('%s is answered with problem details', async (_name, call, answers) => {
    const { client, credentials } = get();
    const observed = await client.call({
      ...call,
      headers: [
        [CASE_HEADER, crypto.randomUUID()],
        ['authorization', `Bearer ${await credentials.token()}`],
        ['x-request-id', 'of-the-caller'],
      ],
    });
    const { status, text, header } = observed;
    expect(Object.keys(answers), text).toContain(String(status));
    expect(header('content-type')).toMatch(/^application\/problem\+json(?:;|$)/);
    expect(header('cache-control')).toContain('no-store');
    const { code } = observed;
    expect(observed.denial).toMatchObject({
      status,
      code: answers[status],
      type: `${PROBLEM_TYPES}${code}`,
      title: expect.any(String),
      requestId: header('x-request-id'),
    });
    // Nobody may choose the id who is not a trusted proxy.
    expect(header('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    if (status >= 500 || status === 409) {
      expect(header('content-security-policy')).toContain("default-src 'none'");
    }
    if (status === 405) expect(header('allow')).toContain('GET');
    for (const hidden of forbiddenText) expect(text).not.toContain(hidden);
  });
}
