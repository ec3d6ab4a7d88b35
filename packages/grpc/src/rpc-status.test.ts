import { grpcDenial } from '@apisec/core/host';
import { loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeStatus } from './rpc-status.ts';

const string = { type: 'string' };
const method = (responseType: string) => ({ requestType: 'Status', responseType, comment: '' });

/** google/rpc/status.proto and error_details.proto, as far as they are used. */
const loaded = loadPackageDefinition(
  fromJSON(
    {
      nested: {
        Any: { fields: { type_url: { ...string, id: 1 }, value: { type: 'bytes', id: 2 } } },
        Status: {
          fields: {
            code: { type: 'int32', id: 1 },
            message: { ...string, id: 2 },
            details: { rule: 'repeated', type: 'Any', id: 3 },
          },
        },
        ErrorInfo: {
          fields: {
            reason: { ...string, id: 1 },
            domain: { ...string, id: 2 },
          },
        },
        Duration: {
          fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } },
        },
        Violation: { fields: { subject: { ...string, id: 1 }, description: { ...string, id: 2 } } },
        QuotaFailure: {
          fields: { violations: { rule: 'repeated', type: 'Violation', id: 1 } },
        },
        FieldViolation: {
          fields: { field: { ...string, id: 1 }, description: { ...string, id: 2 } },
        },
        BadRequest: {
          fields: { field_violations: { rule: 'repeated', type: 'FieldViolation', id: 1 } },
        },
        Link: { fields: { description: { ...string, id: 1 }, url: { ...string, id: 2 } } },
        Help: { fields: { links: { rule: 'repeated', type: 'Link', id: 1 } } },
        RetryInfo: { fields: { retry_delay: { type: 'Duration', id: 1 } } },
        Reader: {
          methods: {
            status: method('Status'),
            errorInfo: method('ErrorInfo'),
            retryInfo: method('RetryInfo'),
            quotaFailure: method('QuotaFailure'),
            badRequest: method('BadRequest'),
            help: method('Help'),
          },
        },
      },
    },
    { keepCase: true, longs: Number },
  ),
) as unknown as { Reader: { service: ServiceDefinition } };

interface Any {
  readonly type_url: string;
  readonly value: Buffer;
}

interface Status {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
}

interface RetryInfo {
  readonly retry_delay: { readonly seconds: number; readonly nanos?: number };
}

function read(name: string, bytes: Buffer): object {
  return loaded.Reader.service[name]?.responseDeserialize(bytes) as object;
}

const readers: Readonly<Record<string, string>> = {
  RetryInfo: 'retryInfo',
  QuotaFailure: 'quotaFailure',
  BadRequest: 'badRequest',
  Help: 'help',
};

function decode(bytes: Buffer) {
  const { code, message, details } = read('status', bytes) as Status;
  return {
    code,
    message,
    details: details.map(({ type_url, value }) => [
      type_url,
      { ...read(readers[type_url.replace(/^.*\./, '')] ?? 'errorInfo', value) },
    ]),
  };
}

test('a denial is the same for a protobuf library', () => {
  const denial = grpcDenial({ kind: 'forbidden', code: 'scope.insufficient', detail: 'No.' });
  expect(decode(encodeStatus(denial))).toEqual({
    code: 7,
    message: 'No.',
    details: [
      [
        'type.googleapis.com/google.rpc.ErrorInfo',
        { reason: 'scope.insufficient', domain: 'apisec' },
      ],
    ],
  });
});

test('limits that were exceeded are named', () => {
  const denial = (names: unknown) =>
    grpcDenial({
      kind: 'rate_limited',
      code: 'limit.exceeded',
      problem: { extensions: { 'violated-policies': names } },
    });
  const { details } = decode(encodeStatus(denial(['user', 'everyone'])));
  expect(details[1]).toMatchObject([
    'type.googleapis.com/google.rpc.QuotaFailure',
    { violations: [{ subject: 'user' }, { subject: 'everyone' }] },
  ]);
  for (const odd of [undefined, 'user', [1, null], {}]) {
    expect(decode(encodeStatus(denial(odd))).details).toHaveLength(1);
  }
});

test('fields that are at fault are named, and no more of them than trailers hold', () => {
  const denied = (errors: unknown) =>
    decode(
      encodeStatus(
        grpcDenial({
          kind: 'malformed',
          code: 'input.invalid',
          problem: { extensions: { errors } },
        }),
      ),
    ).details.slice(1);
  expect(
    denied([
      { pointer: '#/items/0/amount', detail: 'must be positive' },
      { field: 'name', message: 'is missing' },
      { path: ['a', 0], detail: 'is unknown' },
    ]),
  ).toEqual([
    [
      'type.googleapis.com/google.rpc.BadRequest',
      {
        field_violations: [
          { field: 'items.0.amount', description: 'must be positive' },
          { field: 'name', description: 'is missing' },
          { field: 'a.0', description: 'is unknown' },
        ],
      },
    ],
  ]);
  for (const odd of [undefined, 'name', [1, null, {}, { field: 1 }, { path: [{}] }], {}]) {
    expect(denied(odd)).toEqual([]);
  }
  const many = Array.from({ length: 1_000 }, () => ({ field: 'x'.repeat(1_000), detail: 'y' }));
  expect(
    encodeStatus(
      grpcDenial({ kind: 'malformed', code: 'a.b', problem: { extensions: { errors: many } } }),
    ).length,
  ).toBeLessThan(4_096);
});

test('a link leads to where the problem is described', () => {
  const denied = (type: string, help?: string) =>
    decode(
      encodeStatus(grpcDenial({ kind: 'forbidden', code: 'a.b', problem: { type } }), help),
    ).details.slice(1);
  const link = (url: string) => [
    ['type.googleapis.com/google.rpc.Help', { links: [{ description: 'a.b', url }] }],
  ];
  expect(denied('https://docs.example/a')).toEqual(link('https://docs.example/a'));
  expect(denied('about:blank')).toEqual([]);
  expect(denied('javascript:alert(1)')).toEqual([]);
  expect(denied('about:blank', 'https://docs.example/#a.b')).toEqual(
    link('https://docs.example/#a.b'),
  );
});

test('whatever its text and its delay are', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.stringMatching(/^[a-z_]{1,200}\.[a-z_]{1,200}$/),
      fc.option(
        fc.oneof(
          fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          fc.integer({ min: 1, max: 1e7 }),
        ),
      ),
      (detail, code, retryAfterMs) => {
        const denial = grpcDenial({
          kind: 'rate_limited',
          code,
          detail,
          retryAfterMs: retryAfterMs ?? undefined,
        });
        const { message, details } = decode(encodeStatus(denial));
        expect(message).toBe(denial.message);
        expect(details[0]?.[1]).toEqual({ reason: code, domain: 'apisec' });
        expect(details).toHaveLength(retryAfterMs === null ? 1 : 2);
        if (retryAfterMs === null) return;
        const [type, value] = details[1] as [string, RetryInfo];
        expect(type).toBe('type.googleapis.com/google.rpc.RetryInfo');
        const { seconds, nanos = 0 } = value.retry_delay;
        // The longest that every client can read is 31 bits.
        const expected = Math.min(retryAfterMs / 1_000, 2_147_483_647);
        expect(seconds).toBe(Math.floor(expected));
        expect(seconds + nanos / 1e9).toBeCloseTo(expected, 6);
      },
    ),
  );
});
